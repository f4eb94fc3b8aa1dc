// cromt-container: the first process of an attempt that runs in a container. It makes the container, brings on what it
// prints, ends as it ends, and removes it. TERM stops it: TERM to the container, its grace, KILL. Where a container
// runs that the job names, it has the job run in that one instead (visit.h).
//
// Exit codes are the job's own; 125 where there is no container: no engine, no image, refused by the engine.
#pragma once

#include <string>

namespace cromt::container {

inline constexpr int kNoContainer = 125;

// Runs the order in this box. REQUIRES: one thread.
int Run(const std::string& box);
// Removes the container `name`, if there is one, and what the order in `box` has left in one that ran already; 0 if
// there is nothing of them any more.
int Remove(const std::string& engine, const std::string& name, const std::string& box);

}  // namespace cromt::container
