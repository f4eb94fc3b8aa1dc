// A directory of cromt-step's own beneath $TMPDIR (or /tmp), for the files that tasks read their parameters from and
// as their cache_dir. Mode 0700; removed with all that lies in it. Not thread-safe.
//
// Files are written over in place: on a disk, making one costs a hundred times as much.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt::step {

class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  // Makes the directory, the first time.
  Status Make();
  const std::string& path() const { return path_; }

  // `relative` beneath path(). REQUIRES, here and below: Make() succeeded.
  Status MakeDirectories(const std::string& relative);
  Status Write(const std::string& relative, std::string_view content);
  // A file; it need not be there.
  void Remove(const std::string& relative);
  // Empties the directory `relative` if anything lies in it that was not made by the calls above.
  void Tidy(const std::string& relative);

 private:
  std::string path_;
  std::set<std::string> made_;  // directories and files, relative
};

}  // namespace cromt::step
