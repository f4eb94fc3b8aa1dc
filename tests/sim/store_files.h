// The files of a coordinator's store, as somebody who copies it has to know them (docs/reliability.md).
#pragma once

#include <array>
#include <string>

#include "tests/sim/disk/sim_disk.h"

namespace cromt::sim {

// What is put behind its path.
inline constexpr std::array<const char*, 3> kStoreFiles = {"", "-wal", "-mark"};

inline void CopyStore(const SimDisk& from, const std::string& path, SimDisk& to, const std::string& copy) {
  for (const char* end : kStoreFiles) to.CopyFrom(from, path + end, copy + end);
}
inline void CopyStore(SimDisk& disk, const std::string& path, const std::string& copy) {
  CopyStore(disk, path, disk, copy);
}

}  // namespace cromt::sim
