// The helper files that give a Sparrow task its `config` and its variables, one per language. Parameters travel as
// data in files that the helpers read; no value of anybody ever becomes text of a program.
//
// bash and sh: HELPER PARAMETERS ROOT_DIR TASK_DIR TASK_FILE, which sources TASK_FILE without arguments.
#pragma once

#include <string>
#include <string_view>

#include "agent/step/value.h"

namespace cromt::step {

extern const std::string_view kBashGlue;
extern const std::string_view kShGlue;
extern const std::string_view kPythonLibrary;  // sparrow6lib.py

// What kBashGlue reads: path NUL value NUL …
std::string BashParameters(const Map& parameters);
// What kShGlue reads: a line with the path, a line with the value …; '\' is written as '\\', a newline as '\n'.
std::string ShParameters(const Map& parameters);

}  // namespace cromt::step
