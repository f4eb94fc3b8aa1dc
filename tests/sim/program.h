// cromt-sim's command line: which seeds, and how to tell of them.
#pragma once

namespace cromt::sim {

// 0 done, 1 a violation was found, 2 bad usage.
int RunProgram(int argc, char** argv);

}  // namespace cromt::sim
