// Does a short work on a simulated disk again and again, and each time another one of its calls of the disk fails.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/disk/sim_disk.h"

namespace cromt::sim {

struct Case {
  SimDisk::Fate fate{};
  uint64_t call = 0;     // which call that is; counted from 1
  SimDisk::Call kind{};  // of call
  bool crashes = false;  // the machine does, when the work has ended
  std::string text() const {
    constexpr const char* kNames[] = {"done", "EIO", "ENOSPC", "short", "crash"};
    return std::string(kNames[static_cast<size_t>(fate)]) + " at call " + std::to_string(call) +
           (crashes ? ", then a crash of the machine" : "");
  }
};

// `work` is called with a new disk; all that holds a file of it is gone when it returns: at its end it calls `dies` and
// lets go. `check` then looks at what the next process finds. How many calls the work makes when none fails.
inline uint64_t Sweep(const std::function<void(SimDisk&)>& work,
                      const std::function<void(SimDisk&, const Case&)>& check) {
  using Fate = SimDisk::Fate;
  std::vector<SimDisk::Call> kinds;
  auto run = [&](const Case& at) {
    SimDisk disk(at.call * 31 + static_cast<uint64_t>(at.fate) * 2 + at.crashes);
    (void)disk.MakeDirectory("d", 0700);
    uint64_t calls = 0;
    disk.OnCall([&](SimDisk::Call kind, const std::string&) {
      if (at.call == 0) kinds.push_back(kind);
      return ++calls == at.call ? at.fate : Fate::kDone;
    });
    work(disk);
    disk.OnCall({});
    disk.Thaw();
    if (at.crashes) disk.Crash();
    check(disk, at);
  };
  run({Fate::kDone, 0, {}, true});
  for (uint64_t call = 1; call <= kinds.size(); ++call) {
    const SimDisk::Call kind = kinds[call - 1];
    const bool reads = kind == SimDisk::Call::kRead || kind == SimDisk::Call::kList;
    for (Fate fate : {Fate::kIoError, Fate::kNoSpace, Fate::kShort, Fate::kCrash}) {
      if (reads && fate != Fate::kIoError) continue;  // there is no such thing, or it changes nothing
      if (fate != Fate::kCrash) run({fate, call, kind, false});
      if (!reads) run({fate, call, kind, true});
    }
  }
  return kinds.size();
}

}  // namespace cromt::sim
