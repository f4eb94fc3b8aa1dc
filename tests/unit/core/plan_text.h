// Plans as text: written by hand in a line an instance, and shown the same way.
#pragma once

#include <fmt/format.h>

#include <sstream>
#include <string>

#include "core/plan.h"

namespace cromt {

// One line an instance: "0 jobB: jobB@host1 jobB@host2 | needs 1 | after 2"; the address of a task where it is not
// its host's name and port 4000.
inline std::string Show(const Plan& plan) {
  std::string out;
  for (size_t i = 0; i < plan.instances.size(); ++i) {
    const PlannedInstance& instance = plan.instances[i];
    out += fmt::format("{} {}:", i, instance.project);
    for (TaskIndex t = instance.first_task; t < instance.first_task + instance.task_count; ++t) {
      const PlannedHost& host = plan.host(t);
      out += fmt::format(" {}@{}", plan.spec(t).name, host.id);
      if (host.address != host.id + ":4000" && !host.address.empty()) out += "=" + host.address;
    }
    if (!instance.needs.empty()) out += fmt::format(" | needs {}", fmt::join(instance.needs, " "));
    if (!instance.after.empty()) out += fmt::format(" | after {}", fmt::join(instance.after, " "));
    if (instance.when != When::kSuccess) out += fmt::format(" | on {}", ToString(instance.when));
    if (instance.ignore_failure) out += " | ignored";
    out += "\n";
  }
  return out;
}

}  // namespace cromt
