// cromt-agent: flags and config file, the agent, its gRPC server, until SIGTERM.
#pragma once

namespace cromt {

// Returns the exit code: 0 after SIGTERM or SIGINT, 2 for bad usage or what can't be started with it, 1 when it failed.
int RunAgentProgram(int argc, char** argv);

}  // namespace cromt
