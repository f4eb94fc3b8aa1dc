// Where `cromt run` keeps what it does: $XDG_STATE_HOME/cromt/runs/ID, one directory a run, locked while the run is
// under way. The last ten finished ones are kept.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/world.h"

namespace cromt::cli {

// The directory of them all.
Result<std::string> RunsDirectory(const World& world);

class RunDirectory {
 public:
  static constexpr size_t kKept = 10;

  // Makes it and those above it, for the user alone. `id` is a name.
  static Result<RunDirectory> Create(const World& world, const std::string& id);
  // One that is there, to go on in it. kConflict: another process works there, and has for the second that this then
  // takes. kNotFound.
  static Result<RunDirectory> Open(const World& world, const std::string& id);

  const std::string& path() const { return path_; }
  // MarkFinished was called, maybe by another process.
  bool IsMarkedFinished() const;
  // It was made since the host's last start.
  bool IsOfBoot(const std::string& boot) const;

  // The run has ended or was given up, nothing of it works there any more: from now on it may be removed when newer
  // ones come, and can't be resumed. Unlocks it.
  void MarkFinished();

  // Removes finished runs beyond the newest kKept, and those that were broken off over a day ago. Follows no link and
  // leaves alone what is no directory of a run or is in use. What can't be removed stays.
  void RemoveOld() const;

 private:
  RunDirectory(std::string runs, std::string path, UniqueFd lock)
      : runs_(std::move(runs)), path_(std::move(path)), lock_(std::move(lock)) {}

  std::string runs_;
  std::string path_;
  UniqueFd lock_;
};

}  // namespace cromt::cli
