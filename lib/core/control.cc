#include "core/control.h"

#include "base/name.h"

namespace cromt {

ConfinedView ConfinedBy(const TaskSpec& spec) {
  return {spec.container, spec.limits, spec.confinement};
}

Result<std::optional<TaskIndex>> TaskNamed(const RunView& run, const std::string& task) {
  if (task.empty()) return std::nullopt;
  std::vector<TaskIndex> named;
  for (const TaskView& view : run.tasks) {
    if (std::to_string(view.index + 1) == task) return view.index;
    if (view.name == task) named.push_back(view.index);
  }
  if (named.size() == 1) return named[0];
  if (named.empty())
    return Fail(ErrorCode::kNotFound,
                "run " + run.header.id.text() + " has no task " + Quote(task) + "; `cromt show` lists them");
  return Fail(ErrorCode::kInvalid,
              std::to_string(named.size()) + " tasks are named " + Quote(task) + "; name one by its id");
}

}  // namespace cromt
