// The system calls by which the blob store keeps what it has, between it and the system: the test's program is linked
// so that its calls come here (--wrap, see CMakeLists.txt). Each is passed on, or fails as it is told to; and it is
// noted what a crash of the machine would take along.
//
// Not thread-safe: one thread calls.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace cromt::sweep {

enum class Fate : uint8_t {
  kDone,
  kIoError,  // EIO, and nothing is done
  kNoSpace,  // ENOSPC, likewise
  kShort,    // of a write only its first half is done, which is no error
  kDeath,    // the process dies before it: it is not done, nor is anything after it
};

struct Case {
  Fate fate = Fate::kDone;
  uint64_t call = 0;     // which fails, counted from 1; 0 = none
  std::string name;      // of the system call
  bool crashes = false;  // so does the machine, when the work has ended
  std::string text() const;
};

// Does `work` in a new folder again and again, and each time another one of its calls fails, then `check` there. All
// that holds a file of the folder is gone when `work` returns. How many calls it makes when none fails.
//
// A crash of the machine takes along: names that were given in a folder that was not synced since, and of files the
// second half of what was written and not synced, or what a sync has failed to write.
uint64_t Sweep(const std::function<void(const std::string& folder)>& work,
               const std::function<void(const std::string& folder, const Case& at)>& check);

// Within `work`: whether the process has died, so that it does nothing more.
bool Dead();

}  // namespace cromt::sweep
