#include "cli/plan_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "cli/clean_text.h"
#include "cli/confined_text.h"
#include "cli/describe.h"
#include "cli/table.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxWorkShown = 60;

// Nothing for the usual case.
std::string_view WhenText(When when) {
  switch (when) {
    case When::kSuccess: return "";
    case When::kFailure: return " on failure";
    case When::kAlways: break;
  }
  return " always";
}

// What each instance starts after: `needs`, and the parent whose `after` it is. Ids as people see them.
class StartGates {
 public:
  explicit StartGates(const Plan& plan) : plan_(plan), parent_(plan.instances.size(), kNone) {
    for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
      for (InstanceIndex child : plan.instances[i].after) parent_[child] = i;
  }

  std::string Text(InstanceIndex i) const {
    std::vector<std::string> gates;
    for (InstanceIndex need : plan_.instances[i].needs) gates.push_back(std::to_string(need + 1));
    if (parent_[i] != kNone)
      gates.push_back(fmt::format("tasks of {}{}", parent_[i] + 1, WhenText(plan_.instances[i].when)));
    return fmt::format("{}", fmt::join(gates, ", "));
  }

 private:
  static constexpr InstanceIndex kNone = UINT32_MAX;
  const Plan& plan_;
  std::vector<InstanceIndex> parent_;
};

// Which artifact goes from where to where.
void WriteArtifacts(const Plan& plan, std::optional<size_t> columns, const Palette& palette, Writer& out) {
  struct Way {
    std::string path;
    std::vector<std::string> takers;
  };
  std::map<std::pair<InstanceIndex, std::string>, Way> ways;
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i) {
    if (plan.instances[i].task_count > 0)
      for (const ArtifactOut& made : plan.spec(plan.instances[i].first_task).publishes)
        ways[{i, made.name}].path = made.path;
    for (const PlannedInput& input : plan.instances[i].inputs)
      ways[{input.producer, input.name}].takers.push_back(
          fmt::format("{}{}", i + 1, input.all_hosts ? " (all hosts)" : ""));
  }
  if (ways.empty()) return;
  Table table({"ARTIFACT", "FROM", "PATH", "TO"});
  for (const auto& [key, way] : ways)
    table.Row({Clean(key.second), std::to_string(key.first + 1), Clean(way.path),
               way.takers.empty() ? "-" : fmt::format("{}", fmt::join(way.takers, ", "))});
  out.Write("\n" + table.Text(columns, palette));
}

std::string LabelOf(When when) {
  return when == When::kSuccess ? "" : fmt::format(", label=\"{}\"", ToString(when));
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (char c : Clean(text)) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string DescribeWork(const Work& work) {
  struct Describe {
    std::string operator()(const Command& command) const { return fmt::format("{}", fmt::join(command.argv, " ")); }
    std::string operator()(const Script& script) const { return "run: " + script.text; }
    std::string operator()(const Actions& actions) const {
      return fmt::format("action {}", fmt::join(actions.names, " "));
    }
  };
  return Shorten(Clean(std::visit(Describe{}, work)), kMaxWorkShown);
}

void WritePlanText(const Plan& plan, const std::string& project, std::optional<size_t> columns, const Palette& palette,
                   Writer& out) {
  out.Write(fmt::format("plan of {}: {}, {}\n", palette.Bold(Clean(project)), Count(plan.instances.size(), "instance"),
                        Count(plan.tasks.size(), "task")));
  const auto order = TopologicalOrder(plan);
  if (!order) return;  // the planner makes no cycles
  const StartGates gates(plan);
  Table table({"INSTANCE", "PROJECT", "STARTS AFTER", "TASK", "HOST", "AGENT", "CONFINED TO", "DOES"});
  for (InstanceIndex i : *order) {
    const PlannedInstance& instance = plan.instances[i];
    std::vector<std::string> front = {std::to_string(i + 1), Clean(instance.project), gates.Text(i)};
    if (instance.task_count == 0) table.Row({front[0], front[1], front[2], "", "", "", "", ""});
    for (TaskIndex task = instance.first_task; task < instance.first_task + instance.task_count; ++task) {
      const PlannedHost& host = plan.host(task);
      const TaskSpec& spec = plan.spec(task);
      table.Row({front[0], front[1], front[2], std::to_string(task + 1), Clean(host.id),
                 host.address.empty() ? "local" : Clean(host.address), ConfinedText(ConfinedBy(spec)),
                 DescribeWork(spec.work)});
      front.assign(3, "");  // said once
    }
  }
  out.Write(table.Text(columns, palette));
  WriteArtifacts(plan, columns, palette, out);
}

void WritePlanDot(const Plan& plan, const std::string& project, Writer& out) {
  out.Write(fmt::format("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n", Escaped(project)));
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i) {
    const PlannedInstance& instance = plan.instances[i];
    const std::string host =
        instance.task_count == 1 ? plan.host(instance.first_task).id : Count(instance.task_count, "task");
    out.Write(fmt::format("  i{} [label=\"{}\\n{}\"];\n", i + 1, Escaped(instance.project), Escaped(host)));
    for (InstanceIndex need : instance.needs) out.Write(fmt::format("  i{} -> i{};\n", need + 1, i + 1));
    for (InstanceIndex child : instance.after)
      out.Write(fmt::format("  i{} -> i{} [style=dashed{}];\n", i + 1, child + 1, LabelOf(plan.instances[child].when)));
    for (const PlannedInput& input : instance.inputs)
      out.Write(fmt::format("  i{} -> i{} [style=dotted, label=\"{}\", constraint=false];\n", input.producer + 1, i + 1,
                            Escaped(input.name)));
  }
  out.Write("}\n");
}

}  // namespace cromt::cli
