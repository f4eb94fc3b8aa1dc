// Used by the planner only: turns one instance into its tasks, and keeps what they share (specs, hosts) once.
// Not thread-safe; lives as long as the planning of one run.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/job_file.h"
#include "core/plan.h"
#include "core/planner.h"

namespace cromt {

// Where tasks may be put; 0 = the local agent.
using PlaceIndex = uint32_t;

// One instance to expand.
struct Expansion {
  const Project* project = nullptr;
  const Overrides* entry = nullptr;  // of the dependency entry that led here; null for the started project
  const Overrides* start = nullptr;  // of the start; for the started project only
  HostList hosts;                    // the effective ones
  const Pool* pool = nullptr;        // instead of hosts
  PlaceIndex inherited = 0;          // where tasks without any url run
};

class TaskTable {
 public:
  static constexpr PlaceIndex kLocal = 0;

  // Fills `plan`. Both outlive it; `file` is the name for messages.
  TaskTable(const std::string& file, Plan& plan) : file_(file), plan_(plan) {}

  // Reads the aliases. REQUIRES: called once, first.
  Status Configure(const PlannerOptions& options);

  PlaceIndex PlaceOf(const AgentAddress& url);
  // Where a task of `project` runs whose effective overrides are `set`. REQUIRES: they have a url.
  Result<PlaceIndex> PlaceOf(const Project& project, const Overrides& set);

  // Appends the tasks of `expansion` to the plan, for `instance`, which must be the last.
  Status Expand(const Expansion& expansion, InstanceIndex instance);

  // Appends tasks like those of an earlier instance.
  Status Repeat(InstanceIndex earlier, InstanceIndex instance);

 private:
  struct Place {
    std::string id;
    std::string address;
  };

  Status Reserve(size_t tasks) const;
  Status ExpandPool(const Expansion& expansion, const Overrides& base, InstanceIndex instance);
  std::optional<uint32_t> LimitOf(const Project& project, size_t hosts);
  Result<uint32_t> Intern(TaskSpec spec);
  uint32_t HostOf(const std::string& id, const std::string& address);
  uint32_t NewGroup(PlannedGroup group);
  std::vector<uint32_t> GroupsOf(const std::optional<LaneChoice>& lane, const std::string& address,
                                 std::optional<uint32_t> limit);
  void Append(InstanceIndex instance, uint32_t spec, uint32_t host, std::vector<uint32_t> groups);

  const std::string& file_;
  Plan& plan_;
  std::unordered_map<std::string, std::string> aliases_;  // lower case
  std::optional<PoolChooser> pools_;
  std::vector<Place> places_;
  std::unordered_map<std::string, PlaceIndex> place_of_url_;
  std::unordered_map<std::string, uint32_t> host_index_;  // by id and address
  std::unordered_map<std::string, uint32_t> lanes_;       // group by name
  std::unordered_multimap<size_t, uint32_t> spec_index_;  // by hash
  size_t built_bytes_ = 0;                                // of all specs ever built, kept or not
};

}  // namespace cromt
