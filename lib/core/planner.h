// From a job file and the name of a project to the plan of one run. Pure; takes time and memory linear in the plan,
// and refuses while counting what is too large.
//
// An instance is a project with its overrides resolved. Reached twice through `before` with the same effective
// overrides it is one instance, so a diamond runs its bottom once; an `after` entry is an instance of its own each
// time. What an `after` instance needs, and nobody outside of that `after` needs too, is gated like it: it starts
// once the tasks it comes after have ended so that one of those who need it runs, not with the run.
//
// A task without any `url` runs where the project that lists its project points (the overrides of an entry hold for
// the tasks of that entry only), else on the local agent.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/job_file.h"
#include "core/plan.h"

namespace cromt {

// `--action` and `--var` of a start: for the tasks of the started project only, over its hosts.
struct StartOverrides {
  std::vector<std::string> action;  // words; empty = as the file says
  Variables vars;
};

struct PlannerOptions {
  // The `agents:` of the config: a host of a url, or HOST:PORT (which is looked up first), to the address to dial,
  // HOST or HOST:PORT. Names are compared without case.
  std::map<std::string, std::string> agents;
  std::string local_address;  // of tasks without a url; empty = the embedded or local agent
  // What pools choose from. nullopt: nobody knows yet; each is planned as that many hosts "pool" without an address,
  // and the plan can only be looked at.
  std::optional<std::vector<PoolAgent>> pool_agents;
};

// REQUIRES: `file` was checked by CheckJobFile without errors.
// kNotFound for an unknown project; kInvalid for bad overrides, a bad alias, a template that can't be filled in, a pool
// that too few agents fit, and for variables of a task over 1 MB; kExhausted above kMaxTasks tasks, three edges a task
// of those, or 1 GiB of task descriptions. Does not look at unbuilt keys: that is StartRefusals.
Result<Plan> PlanRun(const JobFile& file, const std::string& project, const StartOverrides& overrides,
                     const PlannerOptions& options);

}  // namespace cromt
