// Waiting for the end: the signals that a service gets, and our own wish to stop.
#pragma once

#include <string>

#include "base/time.h"

namespace cromt {

// SIGTERM and SIGINT are blocked in this thread and in all it starts later; SIGPIPE and SIGHUP are ignored. Call first
// in main. A program's children get the defaults back from whoever starts them.
void BlockStopSignals();

// Waits until SIGTERM or SIGINT comes, or WakeStop is called. Returns the signal.
int WaitForStop();
// The same, not for longer than this: whether it came.
bool StopComesWithin(Duration patience);
// Any thread.
void WakeStop();

}  // namespace cromt
