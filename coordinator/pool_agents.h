// Which agents a pool may choose from. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/job_file.h"
#include "core/scheduler.h"

namespace cromt {

// True if a project of the file has a pool.
bool HasPool(const JobFile& file);

// The agents that the configuration names (`named`: name to HOST:PORT), each once however many names and addresses it
// has; where it names none, the local agent. What is not in `views` has not been reached: it has no labels and is down.
std::vector<PoolAgent> PoolAgents(const std::vector<AgentView>& views, const std::map<std::string, std::string>& named,
                                  const std::string& local_address);

}  // namespace cromt
