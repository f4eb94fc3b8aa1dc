// The plan: the immutable DAG of one run, neutral to the format it was written in. jobs.yaml, factfiles,
// mflow tasks and playbooks are all planned into it.
//
// Dependencies join instances, never tasks. Each instance has two gates:
//
//     needs' done gates ──▶ [start gate] ──▶ its tasks (one a host) ──▶ its `after` instances ──▶ [done gate] ──▶
//     dependents
//
// The start gate opens when every instance in `needs` is done; the done gate opens when all its tasks have
// ended and all its `after` instances are done. So a plan holds at most one start and one done edge a task and
// never a product of hosts. An instance without tasks is a pure gate: a level barrier (factfiles, mflow waves)
// is one that needs a whole level and is needed by the next.
//
// Invariants, checked by Validate: indices are in range; tasks of an instance are contiguous and in instance
// order; the graph of instances has no cycle; an `after` instance has exactly one parent, any other runs on success.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

inline constexpr uint32_t kMaxTasks = 1'000'000;

// Where tasks may run, as the job file names it.
struct PlannedHost {
  std::string id;       // shown as the task's host
  std::string address;  // "HOST:PORT" of an agent; empty = the local agent
  friend bool operator==(const PlannedHost&, const PlannedHost&) = default;
};

// At most `depth` tasks of a group run at a time, in plan order. A lane is a group of depth 1 whose name is
// shared by all runs of the mesh; a run's own limit (`parallel`, max_process_concurrency) is not shared.
struct PlannedGroup {
  std::string name;
  uint32_t depth = 1;
  bool mesh_wide = false;
  friend bool operator==(const PlannedGroup&, const PlannedGroup&) = default;
};

// An artifact that each task of an instance finds in its `.artifacts` directory when it starts.
struct PlannedInput {
  std::string name;
  InstanceIndex producer = 0;  // an instance that has ended before, whose tasks publish it
  bool all_hosts = false;      // of each of the producer's tasks, as HOST/NAME; else of the last that published it
  friend bool operator==(const PlannedInput&, const PlannedInput&) = default;
};

struct PlannedInstance {
  std::string project;
  uint32_t first_task = 0;  // tasks [first_task, first_task + task_count)
  uint32_t task_count = 0;
  std::vector<InstanceIndex> needs;  // done gates that open its start gate
  std::vector<InstanceIndex> after;  // start once its tasks have ended as their `when` says; its done gate waits
  std::vector<PlannedInput> inputs;
  When when = When::kSuccess;   // of an `after` instance: how its parent must have ended
  bool ignore_failure = false;  // a task that failed, timed out or is lost counts as succeeded
  uint32_t max_failures = 0;    // so do that many of its tasks; where more fail, none does
  friend bool operator==(const PlannedInstance&, const PlannedInstance&) = default;
};

struct PlannedTask {
  InstanceIndex instance = 0;
  uint32_t spec = 0;             // index into specs
  uint32_t host = 0;             // index into hosts
  std::vector<uint32_t> groups;  // indices into groups, ascending
  friend bool operator==(const PlannedTask&, const PlannedTask&) = default;
};

struct Plan {
  std::vector<TaskSpec> specs;
  std::vector<PlannedHost> hosts;
  std::vector<PlannedGroup> groups;
  std::vector<PlannedInstance> instances;
  std::vector<PlannedTask> tasks;
  std::optional<Duration> run_timeout;  // of the whole run, from when it was created

  const TaskSpec& spec(TaskIndex task) const { return specs[tasks[task].spec]; }
  const PlannedHost& host(TaskIndex task) const { return hosts[tasks[task].host]; }
  friend bool operator==(const Plan&, const Plan&) = default;
};

// kInvalid naming the broken rule; kExhausted above kMaxTasks.
Status Validate(const Plan& plan);
// About what its specs take in memory.
size_t BytesOf(const Plan& plan);

// The instances of `plan` in an order in which each comes after all it waits for; kInvalid printing the cycle
// as "a → b → a" if there is none.
Result<std::vector<InstanceIndex>> TopologicalOrder(const Plan& plan);

// The part of `plan` that begins at `start`: it and all that depends on it, directly or not. What `start` itself
// waits for is taken as done. kInvalid if something in that part also waits for an instance outside of it:
// the run can't be started there without running that first.
Result<Plan> StartFrom(const Plan& plan, InstanceIndex start);

}  // namespace cromt
