// The doctor's single looks. Each reads the host as it is now and blocks for no longer than that takes.
#pragma once

#include <sys/types.h>

#include <string>

#include "agent/agent.h"
#include "agent/doctor/finding.h"

namespace cromt::doctor {

// ---- What belongs to the agent (agent_checks.cc)

// The programs that lie beside the agent's.
Finding CheckPrograms(const std::string& program_dir);
// Whose the data directory is, who may pass through it, and what room it has. `for_others`: jobs of other users run
// there.
Finding CheckDataDir(const std::string& path, bool for_others);
// Whether another program holds its lock: an agent that runs.
bool AgentRuns(const std::string& data_dir);
// The launcher that answers in the data directory; sets `pid` to its process, or 0.
Finding CheckLauncher(const std::string& data_dir, bool is_service, bool agent_runs, pid_t& pid);
// Whether the address can be had, or this agent has it already.
Finding CheckPort(const std::string& listen, const std::string& data_dir, bool agent_runs);
Finding CheckEngine(const std::string& address);
Finding CheckUsers(const UserPolicy& users);

// ---- What belongs to the host (host_checks.cc)

// Whether jobs can be ended as a whole, and be limited, where the process `launcher` divides the groups; 0 = where this
// one is. `group` as --cgroup. `needed`: the configuration limits each job.
Finding CheckGroups(const std::string& group, pid_t launcher, bool needed);
Finding CheckSandbox(Sandbox least);
Finding CheckClock();
// Two pipes a job.
Finding CheckOpenFiles(uint32_t slots);

}  // namespace cromt::doctor
