// Room on a disk that is kept for when it is full: a file whose blocks are allocated, and removed when somebody has to
// write what can't wait. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/file/file_system.h"

namespace cromt {

class DiskReserve {
 public:
  explicit DiskReserve(std::string path, FileSystem& files = SystemFiles()) : path_(std::move(path)), files_(files) {}

  // Makes the file so large, or larger, unless it is; one that is much too large is cut. kExhausted if there is no
  // room: then it is as it was. Looks at the file each time: somebody may have removed it.
  Status Keep(int64_t bytes);
  // Gives the room to whoever writes next. False if there was none to give.
  bool Free();

 private:
  const std::string path_;
  FileSystem& files_;
};

}  // namespace cromt
