// Where the control groups of a process are, in the hierarchy of version 2 and in those of version 1. One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt::launcher {

// The directory of this process's own group, or of another's, by its number: in the hierarchy of the v1 `controller`,
// or of v2 where that is empty. kUnavailable, saying why, when it is not mounted or not to be seen from here.
Result<std::string> OwnCgroup(std::string_view controller, const std::string& process = "self");

// Moves this process into the group `launcher` below its own one of v2, and gives the path of that, which is free now
// to give its controllers on to other groups in it: v2 has none of that for a group with processes. REQUIRES: that
// group is this process's to divide (Delegate=yes of its unit). kUnavailable, saying why.
Result<std::string> LeaveOwnCgroup();

// Removes `path` and the groups in it, bottom up; those that are not empty stay.
void RemoveGroups(const std::string& path);

}  // namespace cromt::launcher
