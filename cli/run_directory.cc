#include "cli/run_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/name.h"
#include "cli/embed/run_files.h"
#include "io/config/read_file.h"

namespace cromt::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBootBytes = 64;
// A second in all: a child of a process that was killed may hold the lock until it has become another program, and who
// only looks whether a run goes on (cli/embed/left_run.cc) holds it, too.
constexpr int kLockTries = 200;
constexpr int kLockPauseMillis = 5;
constexpr auto kBrokenOffAge = std::chrono::hours(24);  // its launcher has ended its jobs long before

// $XDG_STATE_HOME, by default ~/.local/state.
Result<std::string> StateHome(const World& world) {
  const std::string home = world.variable("XDG_STATE_HOME").value_or("");
  if (home.starts_with('/')) return home;
  const std::string user = world.variable("HOME").value_or("");
  if (user.starts_with('/')) return user + "/.local/state";
  return Fail(ErrorCode::kInvalid, "neither XDG_STATE_HOME nor HOME names a directory to keep the run in");
}

// Locked for whoever holds the result; nothing where another process holds it, or it is no directory.
UniqueFd LockDirectory(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return UniqueFd();
  return directory;
}

struct OldRun {
  std::string path;
  fs::file_time_type ended_at;
};

void Remove(const std::string& path) {
  const UniqueFd lock = LockDirectory(path);
  std::error_code ignored;
  if (lock) fs::remove_all(path, ignored);
}

}  // namespace

Result<std::string> RunsDirectory(const World& world) {
  CROMT_ASSIGN(const std::string state, StateHome(world));
  return state + "/cromt/runs";
}

Result<RunDirectory> RunDirectory::Create(const World& world, const std::string& id) {
  CROMT_ASSIGN(const std::string state, StateHome(world));
  const std::string runs = state + "/cromt/runs";
  std::error_code error;
  fs::create_directories(state, error);
  for (const std::string& above : {state + "/cromt", runs})
    if (::mkdir(above.c_str(), 0700) != 0 && errno != EEXIST) return tl::unexpected<Error>(ErrnoError(above, errno));
  std::string path = runs + "/" + id;
  if (::mkdir(path.c_str(), 0700) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  UniqueFd lock = LockDirectory(path);
  if (!lock) return tl::unexpected<Error>(ErrnoError(path, errno));
  return RunDirectory(runs, std::move(path), std::move(lock));
}

Result<RunDirectory> RunDirectory::Open(const World& world, const std::string& id) {
  CROMT_ASSIGN(const std::string runs, RunsDirectory(world));
  std::string path = runs + "/" + id;
  for (int tries = 0; tries < kLockTries; ++tries) {
    UniqueFd lock = LockDirectory(path);
    if (lock) return RunDirectory(runs, std::move(path), std::move(lock));
    if (errno != EWOULDBLOCK) return tl::unexpected<Error>(ErrnoError(path, errno));
    ::poll(nullptr, 0, kLockPauseMillis);
  }
  return Fail(ErrorCode::kConflict, path + " is in use by another process");
}

bool RunDirectory::IsMarkedFinished() const {
  return ::access((path_ + "/" + kRunFinishedFile).c_str(), F_OK) == 0;
}

bool RunDirectory::IsOfBoot(const std::string& boot) const {
  const auto made_in = ReadFile(path_ + "/" + kRunBootFile, kBootBytes);
  return made_in && *made_in == boot + "\n";
}

void RunDirectory::MarkFinished() {
  const std::string mark = path_ + "/" + kRunFinishedFile;
  const UniqueFd made(::open(mark.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  lock_.reset();
}

void RunDirectory::RemoveOld() const {
  std::vector<OldRun> finished;
  std::error_code error;
  for (fs::directory_iterator it(runs_, error), end; !error && it != end; it.increment(error)) {
    if (!IsName(it->path().filename().string()) || it->path() == path_) continue;
    std::error_code gone;
    if (it->symlink_status(gone).type() != fs::file_type::directory) continue;
    const auto ended_at = fs::last_write_time(it->path() / kRunFinishedFile, gone);
    if (!gone)
      finished.push_back({it->path().string(), ended_at});
    else if (fs::last_write_time(it->path(), gone) + kBrokenOffAge < fs::file_time_type::clock::now() && !gone)
      Remove(it->path().string());
  }
  const size_t kept = std::min(kKept - 1, finished.size());  // and this one
  const auto first_old = finished.begin() + static_cast<ptrdiff_t>(kept);
  std::nth_element(finished.begin(), first_old, finished.end(),
                   [](const OldRun& a, const OldRun& b) { return a.ended_at > b.ended_at; });
  for (auto it = first_old; it != finished.end(); ++it) Remove(it->path);
}

}  // namespace cromt::cli
