// Room on a disk that is kept for when it is full: a file whose blocks are allocated, and removed when somebody has to
// write what can't wait. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace cromt {

class DiskReserve {
 public:
  DiskReserve(std::string path, int64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

  // Makes the file unless it is there. kExhausted if there is no room; then there is none of it.
  Status Keep();
  // Gives the room to whoever writes next. False if there was none to give.
  bool Free();

 private:
  std::string path_;
  int64_t bytes_;
  bool kept_ = false;
};

}  // namespace cromt
