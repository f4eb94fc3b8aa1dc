#include "io/wire/plan.h"

#include <fmt/format.h>

#include "base/name.h"
#include "io/wire/check.h"
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

Status CheckHost(const PlannedHost& host) {
  CROMT_TRY(CheckName("id", host.id));
  return CheckLabel("address", host.address);
}

template <class T, class Check>
Status CheckEach(std::string_view what, const std::vector<T>& items, Check check) {
  for (size_t i = 0; i < items.size(); ++i) CROMT_TRY(InItem(what, i, check(items[i])));
  return {};
}

Result<When> Read(v1::Plan::When proto) {
  switch (proto) {
    case v1::Plan::SUCCESS: return When::kSuccess;
    case v1::Plan::FAILURE: return When::kFailure;
    case v1::Plan::ALWAYS: return When::kAlways;
    default: return Fail(ErrorCode::kInvalid, "when: unknown value " + std::to_string(proto));
  }
}

v1::Plan::When ToProto(When when) {
  switch (when) {
    case When::kSuccess: return v1::Plan::SUCCESS;
    case When::kFailure: return v1::Plan::FAILURE;
    case When::kAlways: break;
  }
  return v1::Plan::ALWAYS;
}

Result<PlannedInstance> Read(const v1::Plan::Instance& proto) {
  PlannedInstance instance{.project = proto.project(),
                           .first_task = proto.first_task(),
                           .task_count = proto.task_count(),
                           .needs = {proto.needs().begin(), proto.needs().end()},
                           .after = {proto.after().begin(), proto.after().end()},
                           .ignore_failure = proto.ignore_failure(),
                           .max_failures = proto.max_failures()};
  CROMT_ASSIGN(instance.when, Read(proto.when()));
  for (const v1::Plan::Input& input : proto.inputs())
    instance.inputs.push_back({input.name(), input.producer(), input.all_hosts()});
  return instance;
}

PlannedTask Read(const v1::Plan::Task& proto) {
  return {proto.instance(), proto.spec(), proto.host(), {proto.groups().begin(), proto.groups().end()}};
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
    to.set_when(ToProto(instance.when));
    to.set_ignore_failure(instance.ignore_failure);
    to.set_max_failures(instance.max_failures);
    for (const PlannedInput& input : instance.inputs) {
      auto& in = *to.add_inputs();
      in.set_name(ToText(input.name));
      in.set_producer(input.producer);
      in.set_all_hosts(input.all_hosts);
    }
  }
  proto.mutable_tasks()->Reserve(static_cast<int>(plan.tasks.size()));
  for (const PlannedTask& task : plan.tasks) {
    v1::Plan::Task& to = *proto.add_tasks();
    to.set_instance(task.instance);
    to.set_spec(task.spec);
    to.set_host(task.host);
    Assign(task.groups, *to.mutable_groups());
  }
  if (plan.run_timeout) proto.set_run_timeout_ms(ToMillis(*plan.run_timeout));
}

Result<Plan> FromProto(const v1::Plan& proto) {
  Plan plan;
  CROMT_TRY(ReadItems("spec", proto.specs(), plan.specs, [](const auto& spec) { return ReadUnchecked(spec); }));
  for (const v1::Plan::Host& host : proto.hosts()) plan.hosts.push_back({host.id(), host.address()});
  for (const v1::Plan::Group& group : proto.groups())
    plan.groups.push_back({group.name(), group.depth(), group.mesh_wide()});
  CROMT_TRY(
      ReadItems("instance", proto.instances(), plan.instances, [](const auto& instance) { return Read(instance); }));
  plan.tasks.reserve(static_cast<size_t>(proto.tasks_size()));
  for (const v1::Plan::Task& task : proto.tasks()) plan.tasks.push_back(Read(task));
  if (proto.run_timeout_ms() != 0) {
    CROMT_ASSIGN(plan.run_timeout, ReadMillis("run_timeout_ms", proto.run_timeout_ms()));
  }
  CROMT_TRY(Validate(plan));
  return plan;
}

Status Check(const Plan& plan) {
  CROMT_TRY(CheckEach("spec", plan.specs, [](const TaskSpec& spec) { return Check(spec); }));
  CROMT_TRY(CheckEach("host", plan.hosts, CheckHost));
  CROMT_TRY(CheckEach("group", plan.groups, [](const PlannedGroup& group) { return CheckLabel("name", group.name); }));
  CROMT_TRY(CheckEach("instance", plan.instances,
                      [](const PlannedInstance& instance) { return CheckLabel("project", instance.project); }));
  return Validate(plan);
}

}  // namespace cromt::wire
