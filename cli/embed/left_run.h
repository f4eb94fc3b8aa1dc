// What became of a run of `cromt run` whose process has left it unfinished: its store can't know.
#pragma once

#include <string>

#include "core/control.h"

namespace cromt {

// `view` as the store in `dir`, the run's directory, tells it. Where it has not finished and no process works there:
// one that can be resumed gets a reason that says how; one that can't, since the host was restarted or the run was
// given up, is shown as the failed run that it is, with its open tasks lost.
void TellIfLeft(const std::string& dir, RunView& view);

}  // namespace cromt
