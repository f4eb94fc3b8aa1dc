#include "io/git/helper/limits.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace cromt::git {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

void Limit(int resource, int64_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, static_cast<rlim_t>(value));
  setrlimit(resource, &limit);
}

}  // namespace

void BoundThisProcess(uint32_t timeout_s, int64_t max_memory_bytes, int64_t max_file_bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(timeout_s);
  umask(077);
  Limit(RLIMIT_CORE, 0);  // a core would hold credentials
  Limit(RLIMIT_FSIZE, max_file_bytes);
  signal(SIGXFSZ, SIG_IGN);  // the write fails instead, with a message
  if (!kIsSanitized) Limit(RLIMIT_AS, max_memory_bytes);
}

void BoundMemoryForNow(int64_t bytes) {
  rlimit limit{};
  if (kIsSanitized || getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
  setrlimit(RLIMIT_AS, &limit);
}

}  // namespace cromt::git
