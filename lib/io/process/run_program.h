// Runs another program to its end.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace cromt {

// `argv[0]` is a path, or a name that PATH knows. Nothing of its output is kept. Blocks until it has ended, at most
// `patience`, after which it is killed: kTimeout. kUnavailable: it can't be started, or ended with anything but 0.
Status RunProgram(std::vector<std::string> argv, Duration patience);

}  // namespace cromt
