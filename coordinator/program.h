// cromt-coordinator: flags and config file, the coordinator, its gRPC server, until SIGTERM.
#pragma once

namespace cromt {

// Returns the exit code: 0 after SIGTERM or SIGINT, 2 for bad usage or what can't be started with it, 1 when it failed.
int RunCoordinatorProgram(int argc, char** argv);

}  // namespace cromt
