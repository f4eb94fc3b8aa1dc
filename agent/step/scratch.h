// A directory of cromt-step's own beneath $TMPDIR (or /tmp), for the files that tasks read their parameters from and
// as their cache_dir. Mode 0700; removed with all that lies in it. Not thread-safe.
#pragma once

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

  // `relative` beneath path(). REQUIRES: Make() succeeded.
  Status MakeDirectories(const std::string& relative);
  Status Write(const std::string& relative, std::string_view content);

 private:
  std::string path_;
};

}  // namespace cromt::step
