// PROJECT on the command line, where a list of what belongs to it came back empty.
#pragma once

#include <string>

#include "base/result.h"
#include "core/control.h"

namespace cromt::cli {

// kNotFound, with the nearest name, if no applied job file has a project of this name.
Status CheckProjectKnown(Control& control, const std::string& project);

}  // namespace cromt::cli
