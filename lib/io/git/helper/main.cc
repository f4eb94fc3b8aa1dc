// cromt-git: does one thing with libgit2 for a parent that may kill it at any time (io/git/protocol.h).
// Not for people: it reads its request from the socket that is its standard input.
#include <git2.h>
#include <unistd.h>

#include <cerrno>

#include "io/git/helper/fetch.h"
#include "io/git/helper/limits.h"
#include "io/git/helper/pack.h"

namespace cromt::git {
namespace {

constexpr size_t kMappedBytes = size_t{1} << 30;          // of packs at a time
constexpr int64_t kListingFileBytes = int64_t{16} << 20;  // of known hosts
constexpr size_t kMaxObjectBytes = size_t{2} << 30;

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
  BoundThisProcess(request.timeout_s, request.max_memory_bytes, request.max_pack_bytes + (int64_t{64} << 20));
  SetUpLibrary();
  auto fetched = Fetch(request, reporter);
  if (!fetched) return Failed{fetched.error()};
  return *fetched;
}

Reply Answer(const ListRequest& request, Reporter& reporter) {
  BoundThisProcess(request.of.timeout_s, request.of.max_memory_bytes, kListingFileBytes);
  SetUpLibrary();
  auto listed = List(request.of, reporter);
  if (!listed) return Failed{listed.error()};
  return *listed;
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
