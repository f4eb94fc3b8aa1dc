// The command line: words in, an exit code out. Everything it touches comes as a parameter.
#pragma once

#include <string>
#include <vector>

#include "cli/backends.h"
#include "cli/world.h"

namespace cromt::cli {

// `words`: without the program's name. Returns the process's exit code (cli/exit_code.h).
int RunCli(const std::vector<std::string>& words, const Backends& backends, const World& world);

}  // namespace cromt::cli
