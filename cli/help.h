// The text of `--help`. Pure.
#pragma once

#include <string>

#include "cli/arguments.h"
#include "cli/command.h"

namespace cromt::cli {

// Of the program: all commands. `arguments` are those of applying a file and the global ones.
std::string ProgramHelp(const Arguments& arguments);

// Of one command.
std::string CommandHelp(const CommandInfo& info, const Arguments& arguments);

// Declares the options that each command takes.
void DeclareGlobals(Arguments& arguments, GlobalOptions& global, bool takes_dot);

}  // namespace cromt::cli
