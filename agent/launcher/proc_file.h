// Reading small files of /proc and cgroups: they have no size beforehand, and may be gone.
#pragma once

#include <string>

namespace cromt::launcher {

inline constexpr size_t kMaxProcFileBytes = 1 << 20;

// Everything that `fd` gives from here to its end, at most kMaxProcFileBytes.
std::string ReadAll(int fd);

// The same for a path; empty when it can't be opened.
std::string ReadProcFile(const char* path);

}  // namespace cromt::launcher
