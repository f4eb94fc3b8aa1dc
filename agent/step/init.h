// The first process of a container: cromt-step --init IO -- PROGRAM ARGUMENT…. It gives the job its output (the named
// pipes IO/out, IO/err and, where it is there, IO/records as descriptor 3) and what is in IO/variables besides its
// environment (NAME=VALUE, each with a NUL behind it: secrets, which the engine need not know), passes signals on to
// all processes, takes in what ends, and ends as the job's own process does, stopping what that left behind.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace cromt::step {

// The exit code: the job's own, 128 + N for a signal, 126 and 127 as a shell has them; 125 if the pipes are not there.
// REQUIRES: one thread.
int RunInit(const std::string& io, const std::vector<std::string>& argv);

// Sends a signal to all that came of the process `job`; false if there is nothing any more.
using SignalAll = std::function<bool(pid_t job, int signal)>;

// What RunInit does once its descriptors are as the job should have them. REQUIRES: one thread.
int RunUnder(const std::vector<std::string>& argv, bool own_group, const SignalAll& signal_all);

}  // namespace cromt::step
