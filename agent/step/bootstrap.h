// Makes a container able to run Sparrow tasks: what they need of a system is bash.
#pragma once

#include <string>
#include <vector>

namespace cromt::step {

// Installs bash by the package manager of the image where there is none yet, saying so on standard error, then becomes
// `argv`. Returns only an exit code: 125 where bash can't be installed, in words; 126 and 127 as a shell has them.
// REQUIRES: one thread.
int RunBootstrapped(const std::vector<std::string>& argv);

}  // namespace cromt::step
