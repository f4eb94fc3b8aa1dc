// What this process may take: whatever a hostile repository does to it, it ends, and takes no more.
#pragma once

#include <cstdint>

namespace cromt::git {

// For the whole process: it is killed after `timeout_s` and when its parent ends; no file of it becomes larger than
// `max_file_bytes` (the write fails); a request for more memory than `max_memory_bytes` of address space fails.
void BoundThisProcess(uint32_t timeout_s, int64_t max_memory_bytes, int64_t max_file_bytes);

// A narrower bound of memory until the next call; never a wider one than BoundThisProcess set.
// Builds with sanitizers have no bound of memory: those reserve terabytes.
void BoundMemoryForNow(int64_t bytes);

}  // namespace cromt::git
