// The runs that `cromt run` has kept on this machine, for looking at: `--local` of show, logs and runs.
#pragma once

#include <memory>
#include <string>

#include "core/control.h"

namespace cromt {

// Over the directories DIR/ID that embedded runs have left or are filling. What changes something, or follows what goes
// on, is refused with kInvalid. A directory that can't be read counts as none where others can be listed.
std::unique_ptr<Control> OpenLocalRuns(std::string dir);

}  // namespace cromt
