// cromt-git: does one thing with libgit2 for a parent that may kill it at any time (io/git/protocol.h).
// Not for people: it reads its request from the socket that is its standard input.
#include <git2.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "io/git/helper/fetch.h"
#include "io/git/helper/pack.h"

namespace cromt::git {
namespace {

constexpr size_t kMappedBytes = size_t{1} << 30;  // of packs at a time
constexpr size_t kMaxObjectBytes = size_t{2} << 30;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

void Limit(int resource, rlim_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, value);
  setrlimit(resource, &limit);
}

// Whatever a hostile repository does to this process, it ends, and takes no more than this.
void BoundThisProcess(uint32_t timeout_s, int64_t max_memory_bytes, rlim_t max_file_bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(timeout_s);
  umask(077);
  Limit(RLIMIT_CORE, 0);  // a core would hold credentials
  Limit(RLIMIT_FSIZE, max_file_bytes);
  signal(SIGXFSZ, SIG_IGN);  // the write fails instead, with a message
  if (!kIsSanitized) Limit(RLIMIT_AS, static_cast<rlim_t>(max_memory_bytes));
}

// Nobody's configuration but the mirror's own, which holds nothing.
void SetUpLibrary() {
  git_libgit2_init();
  for (int level :
       {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA}) {
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
  }
  git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // mirrors are ours; local repositories were allowed by name
  git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedBytes);
  git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, kMaxObjectBytes);
  git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
}

Result<Request> ReadRequest() {
  std::string received;
  while (true) {
    CROMT_ASSIGN(auto request, TakeRequest(received));
    if (request) return std::move(*request);
    char buffer[4096];
    ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Fail(ErrorCode::kInternal, "cromt-git is started by cromt, with a request on its standard input");
    received.append(buffer, static_cast<size_t>(got));
  }
}

Reply Answer(const FetchRequest& request, Reporter& reporter) {
  BoundThisProcess(request.timeout_s, request.max_memory_bytes,
                   static_cast<rlim_t>(request.max_pack_bytes) + (rlim_t{64} << 20));
  SetUpLibrary();
  auto fetched = Fetch(request, reporter);
  if (!fetched) return Failed{fetched.error()};
  return *fetched;
}

Reply Answer(const PackRequest& request, Reporter& reporter) {
  BoundThisProcess(request.timeout_s, request.max_memory_bytes, 0);  // it only reads
  SetUpLibrary();
  auto packed = Pack(request, reporter);
  if (!packed) return Failed{packed.error()};
  return *packed;
}

int Run() {
  auto request = ReadRequest();
  if (!request) {
    const std::string text = request.error().message + "\n";
    return write(STDERR_FILENO, text.data(), text.size()) < 0 ? 3 : 2;
  }
  Reporter reporter(STDIN_FILENO);
  reporter.Send(std::visit([&](const auto& r) { return Answer(r, reporter); }, *request));
  return 0;
}

}  // namespace
}  // namespace cromt::git

int main() {
  return cromt::git::Run();
}
