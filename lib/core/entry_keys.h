// Used by the planner only: tells which dependency entries mean the same. Two entries have the same key if they name
// the same project and leave the same effective overrides; what an entry repeats of its project does not count.
// Each entry and each list is looked at once, so time is linear in the file.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/job_file.h"

namespace cromt {

class EntryKeys {
 public:
  // REQUIRES: `file` outlives it and was checked by CheckJobFile without errors.
  explicit EntryKeys(const JobFile& file);

  uint32_t KeyOf(const DependencyEntry& entry);

  // True if where the listing project points changes anything below `entry`: a task, or one of its dependencies'.
  bool NeedsParentUrl(const DependencyEntry& entry);

  // The hosts that the tasks of `entry` run on.
  const HostList& HostsOf(const DependencyEntry& entry) const;

 private:
  struct HostsFacts {
    uint32_t key = 0;  // the same for lists with the same content; 0 = no hosts
    bool all_have_url = false;
  };

  const HostsFacts& FactsOf(const HostList& hosts);
  const std::unordered_map<std::string_view, std::string_view>& VarsOf(uint32_t project);
  std::string Describe(const DependencyEntry& entry);

  const JobFile& file_;
  std::unordered_map<const DependencyEntry*, uint32_t> key_of_entry_;
  std::unordered_map<std::string, uint32_t> keys_;
  std::unordered_map<const void*, HostsFacts> facts_of_hosts_;
  std::unordered_map<std::string, uint32_t> hosts_keys_;
  std::unordered_map<uint32_t, std::unordered_map<std::string_view, std::string_view>> vars_of_project_;
  std::vector<bool> dependencies_need_url_;  // by project
};

}  // namespace cromt
