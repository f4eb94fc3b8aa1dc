// A program's data directory: made with mode 0700, locked by one program at a time.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt {

class DataDir {
 public:
  // Makes `path` (and its parents) and locks it. kConflict names the directory if another program holds it, and goes on
  // to for a second: blocks that long.
  static Result<DataDir> Open(const std::string& path);
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  UniqueFd lock_;
};

// mkdir -p with mode 0700 for what is made.
Status MakeDirs(const std::string& path);

// Writes a small file whole: a temporary one, renamed into place.
Status WriteFileAtomic(const std::string& path, std::string_view content);
// The same, and on disk when it returns.
Status WriteFileDurably(const std::string& path, std::string_view content);

// $XDG_STATE_HOME/cromt/NAME, else ~/.local/state/cromt/NAME; /var/lib/NAME for root without a session.
std::string StateDir(const std::string& name);

// The directory of the running program.
std::string ProgramDir();

}  // namespace cromt
