// How full a disk is, as a state that people see: from `warning` on they are told, at `critical` nothing new is begun
// until there is room again. Before the room runs out that is kept for the ends of what goes on: that is another state
// (coordinator/engine.h, agent/engine.h), and the later one. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cromt {

// In percent of what is used; 100 = never.
struct DiskLimits {
  int warn = 90;
  int stop = 95;
  // On a smaller file system the kept room alone counts. 0 where somebody has said what holds.
  uint64_t smallest_bytes = uint64_t{1} << 30;
  friend bool operator==(const DiskLimits&, const DiskLimits&) = default;
};

// A large disk is not full as long as so much is free, whatever part of it that is.
inline constexpr uint64_t kWarnBelowBytes = uint64_t{20} << 30;
inline constexpr uint64_t kStopBelowBytes = uint64_t{10} << 30;

struct DiskUse {
  uint64_t free = 0;  // to who is not root
  uint64_t used = 0;
};

enum class DiskState { kOk, kWarning, kCritical };
std::string_view ToString(DiskState state);

class DiskGuard {
 public:
  explicit DiskGuard(DiskLimits limits = {}) : limits_(limits) {}

  // What state it is in now. A state is left only once two percent less are used, or a tenth more is free, than it
  // begins with: so it does not change with each file.
  DiskState Look(const DiskUse& use);
  DiskState state() const { return state_; }

 private:
  DiskState StateOf(const DiskUse& use, bool leaving) const;

  const DiskLimits limits_;
  DiskState state_ = DiskState::kOk;
};

// "95 % of the disk under PATH is used, 3.1 GiB are free".
std::string DiskText(const DiskUse& use, const std::string& path);

}  // namespace cromt
