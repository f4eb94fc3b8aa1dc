#include "agent/doctor/doctor.h"

#include "agent/doctor/checks.h"

namespace cromt::doctor {

Findings Examine(const AgentOptions& options, const std::string& listen) {
  const bool runs = AgentRuns(options.data_dir);
  Findings findings;
  findings.push_back(CheckPrograms(options.program_dir));
  findings.push_back(CheckDataDir(options.data_dir, options.users.names_others()));
  findings.push_back(CheckUsers(options.users));
  pid_t launcher = 0;
  findings.push_back(CheckLauncher(options.data_dir, options.launcher.is_service, runs, launcher));
  findings.push_back(CheckGroups(options.launcher.cgroup, launcher, options.limits.any()));
  findings.push_back(CheckSandbox(options.users.least));
  findings.push_back(CheckEngine(options.containers.engine));
  findings.push_back(CheckPort(listen, options.data_dir, runs));
  findings.push_back(CheckOpenFiles(options.slots));
  findings.push_back(CheckClock());
  return findings;
}

}  // namespace cromt::doctor
