// cromt-step in a container: bootstrap in any, the rest in one that ran before the job came and runs on after it: what
// cromt-container (its visit.h) has it do there. It is the only program of ours in there, and needs nothing of the
// image.
//
//   --inside id                              prints "UID GID", as whom it runs
//   --inside enter PLACE RECORDS PROGRAM ARGUMENT…
//       runs a job, as `--init` does. All that comes of it stays below this process, whatever it does to its sessions.
//       RECORDS is 1 where the job writes records: they go to standard output then, and what it prints to error.
//   --inside bootstrap PROGRAM ARGUMENT…     installs bash where there is none, then becomes PROGRAM
//   --inside signal PLACE MARK NUMBER        to all of the job that entered at PLACE; exits with kNobody if there is
//   none
//   --inside pack PLACE                      PLACE/workspace as an archive on standard output; says what has no place
//   there
//   --inside remove PLACE MARK               kills what is left of the job, and removes PLACE
#pragma once

#include <string>
#include <vector>

namespace cromt::step {

inline constexpr int kNobody = 3;

// The exit code: the job's, or 0, 1 and kNobody. REQUIRES: one thread.
int RunInside(const std::vector<std::string>& words);

}  // namespace cromt::step
