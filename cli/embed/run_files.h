// What lies in the directory of a run of `cromt run` besides the data of the embedded programs (DIR/agent,
// DIR/coordinator, DIR/blobs). The directory is locked (flock) by the process that works there.
#pragma once

#include <chrono>

namespace cromt {

// The kernel's id of the boot in which the run was started: nothing of it is resumed in another one. One line.
inline constexpr char kRunBootFile[] = "boot";
// Empty; it is there once the run has ended, or was given up: nothing works there any more.
inline constexpr char kRunFinishedFile[] = "run-finished";

// Should the process that works there die, the launcher ends what it started after so long, unless somebody resumes the
// run.
inline constexpr std::chrono::minutes kRunOrphanTimeout{10};

}  // namespace cromt
