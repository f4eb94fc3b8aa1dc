#include "io/wire/plan.h"

#include <fmt/format.h>

#include "base/name.h"
#include "io/wire/field.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

using Indices = google::protobuf::RepeatedField<uint32_t>;

// Names that only people read; empty where a dialect has none.
Status CheckLabel(std::string_view field, const std::string& text) {
  if (text.empty() || IsTitle(text)) return {};
  return Invalid(field, fmt::format("{} is no title", Quote(text)));
}

Result<PlannedHost> Read(const v1::Plan::Host& proto) {
  CROMT_TRY(CheckName("id", proto.id()));
  CROMT_TRY(CheckLabel("address", proto.address()));
  return PlannedHost{proto.id(), proto.address()};
}

Result<PlannedGroup> Read(const v1::Plan::Group& proto) {
  CROMT_TRY(CheckLabel("name", proto.name()));
  return PlannedGroup{proto.name(), proto.depth(), proto.mesh_wide()};
}

Result<PlannedInstance> Read(const v1::Plan::Instance& proto) {
  CROMT_TRY(CheckLabel("project", proto.project()));
  return PlannedInstance{proto.project(),
                         proto.first_task(),
                         proto.task_count(),
                         {proto.needs().begin(), proto.needs().end()},
                         {proto.after().begin(), proto.after().end()}};
}

Result<PlannedTask> Read(const v1::Plan::Task& proto) {
  return PlannedTask{proto.instance(), proto.spec(), proto.host(), {proto.groups().begin(), proto.groups().end()}};
}

void Assign(const std::vector<uint32_t>& from, Indices& to) {
  to.Assign(from.begin(), from.end());
}

}  // namespace

void ToProto(const Plan& plan, v1::Plan& proto) {
  proto.mutable_specs()->Reserve(static_cast<int>(plan.specs.size()));
  for (const TaskSpec& spec : plan.specs) ToProto(spec, *proto.add_specs());
  for (const PlannedHost& host : plan.hosts) {
    v1::Plan::Host& to = *proto.add_hosts();
    to.set_id(ToText(host.id));
    to.set_address(ToText(host.address));
  }
  for (const PlannedGroup& group : plan.groups) {
    v1::Plan::Group& to = *proto.add_groups();
    to.set_name(ToText(group.name));
    to.set_depth(group.depth);
    to.set_mesh_wide(group.mesh_wide);
  }
  proto.mutable_instances()->Reserve(static_cast<int>(plan.instances.size()));
  for (const PlannedInstance& instance : plan.instances) {
    v1::Plan::Instance& to = *proto.add_instances();
    to.set_project(ToText(instance.project));
    to.set_first_task(instance.first_task);
    to.set_task_count(instance.task_count);
    Assign(instance.needs, *to.mutable_needs());
    Assign(instance.after, *to.mutable_after());
  }
  proto.mutable_tasks()->Reserve(static_cast<int>(plan.tasks.size()));
  for (const PlannedTask& task : plan.tasks) {
    v1::Plan::Task& to = *proto.add_tasks();
    to.set_instance(task.instance);
    to.set_spec(task.spec);
    to.set_host(task.host);
    Assign(task.groups, *to.mutable_groups());
  }
}

Result<Plan> FromProto(const v1::Plan& proto) {
  Plan plan;
  auto read = [](const auto& item) { return Read(item); };
  CROMT_TRY(ReadItems("spec", proto.specs(), plan.specs, [](const auto& item) { return FromProto(item); }));
  CROMT_TRY(ReadItems("host", proto.hosts(), plan.hosts, read));
  CROMT_TRY(ReadItems("group", proto.groups(), plan.groups, read));
  CROMT_TRY(ReadItems("instance", proto.instances(), plan.instances, read));
  CROMT_TRY(ReadItems("task", proto.tasks(), plan.tasks, read));
  CROMT_TRY(In("plan: ", Validate(plan)));
  return plan;
}

}  // namespace cromt::wire
