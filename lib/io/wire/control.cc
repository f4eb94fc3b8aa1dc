#include "io/wire/control.h"

#include "base/name.h"
#include "io/wire/field.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

int64_t Us(const std::optional<Wall>& time) {
  return time ? Micros(*time) : 0;
}
std::optional<Wall> Time(int64_t us) {
  return us == 0 ? std::nullopt : std::optional(WallFromMicros(us));
}

tl::unexpected<Error> Unknown(std::string_view what, const std::string& word) {
  return Fail(ErrorCode::kInvalid, "the coordinator says the " + std::string(what) + " " + Quote(word) +
                                       ", which this version does not know");
}

}  // namespace

void ToProto(const TaskView& task, v1::Task& proto) {
  const TaskStatus& s = task.status;
  proto.set_index(task.index);
  proto.set_instance(task.instance);
  proto.set_name(task.name);
  proto.set_project(task.project);
  proto.set_host(task.host);
  proto.set_state(std::string(ToString(s.state)));
  if (s.outcome) proto.set_outcome(std::string(ToString(*s.outcome)));
  proto.set_reason(s.reason);
  if (s.exit) proto.set_exit_code(ShellCode(*s.exit));
  proto.set_attempt(s.attempt);
  proto.set_queued_at_us(Us(s.queued_at));
  proto.set_started_at_us(Us(s.started_at));
  proto.set_finished_at_us(Us(s.finished_at));
  proto.set_agent(s.agent.text());
  proto.set_log_bytes(s.log_bytes);
  proto.set_ignored(s.ignored);
  if (task.confined && task.confined->container) ToProto(*task.confined->container, *proto.mutable_container());
  if (task.confined && task.confined->limits.any()) ToProto(task.confined->limits, *proto.mutable_limits());
  if (task.confined && task.confined->confinement != Confinement())
    ToProto(task.confined->confinement, *proto.mutable_confinement());
  proto.set_image_digest(ToText(task.image_digest));
}

Result<TaskView> FromProto(const v1::Task& proto) {
  TaskView task{proto.index(), proto.instance(), proto.name(), proto.project(), proto.host(), {}};
  TaskStatus& s = task.status;
  auto state = TaskStateFrom(proto.state());
  if (!state) return Unknown("task state", proto.state());
  s.state = *state;
  if (!proto.outcome().empty()) {
    s.outcome = TaskOutcomeFrom(proto.outcome());
    if (!s.outcome) return Unknown("task outcome", proto.outcome());
  }
  s.reason = proto.reason();
  if (proto.has_exit_code()) s.exit = Exited{proto.exit_code()};
  s.attempt = proto.attempt();
  s.queued_at = Time(proto.queued_at_us());
  s.started_at = Time(proto.started_at_us());
  s.finished_at = Time(proto.finished_at_us());
  s.agent = AgentId(proto.agent());
  s.log_bytes = proto.log_bytes();
  s.ignored = proto.ignored();
  if (proto.has_container() || proto.has_limits() || proto.has_confinement()) {
    ConfinedView confined;
    if (proto.has_container()) {
      CROMT_ASSIGN(confined.container, In("container: ", FromProto(proto.container())));
    }
    confined.limits = {proto.limits().memory_bytes(), proto.limits().cpu_permille(), proto.limits().pids()};
    CROMT_ASSIGN(confined.confinement, FromProto(proto.confinement()));
    task.confined = std::make_shared<const ConfinedView>(std::move(confined));
  }
  task.image_digest = proto.image_digest();
  return task;
}

void ToProto(const RunView& run, v1::Run& proto) {
  proto.set_id(run.header.id.text());
  proto.set_project(run.header.project);
  proto.set_state(std::string(ToString(run.status.state)));
  if (run.status.outcome) proto.set_outcome(std::string(ToString(*run.status.outcome)));
  proto.set_reason(run.status.reason);
  proto.set_trigger(std::string(ToString(run.header.trigger)));
  proto.set_commit(run.commit);
  proto.set_created_at_us(Micros(run.header.created_at));
  proto.set_started_at_us(Us(run.status.started_at));
  proto.set_finished_at_us(Us(run.status.finished_at));
  proto.set_author(run.header.author);
  proto.set_revision(run.header.revision);
  for (const InstanceView& instance : run.instances) {
    v1::Instance& one = *proto.add_instances();
    one.set_project(instance.project);
    one.mutable_needs()->Add(instance.needs.begin(), instance.needs.end());
  }
  for (const TaskView& task : run.tasks) ToProto(task, *proto.add_tasks());
}

Result<RunView> FromProto(const v1::Run& proto) {
  RunView run;
  run.header.id = RunId(proto.id());
  run.header.project = proto.project();
  auto trigger = TriggerFrom(proto.trigger());
  if (!trigger) return Unknown("trigger", proto.trigger());
  run.header.trigger = *trigger;
  run.header.author = proto.author();
  run.header.revision = proto.revision();
  run.header.created_at = WallFromMicros(proto.created_at_us());
  auto state = RunStateFrom(proto.state());
  if (!state) return Unknown("run state", proto.state());
  run.status.state = *state;
  if (!proto.outcome().empty()) {
    run.status.outcome = RunOutcomeFrom(proto.outcome());
    if (!run.status.outcome) return Unknown("run outcome", proto.outcome());
  }
  run.status.reason = proto.reason();
  run.status.started_at = Time(proto.started_at_us());
  run.status.finished_at = Time(proto.finished_at_us());
  run.commit = proto.commit();
  for (const v1::Instance& instance : proto.instances())
    run.instances.push_back({instance.project(), {instance.needs().begin(), instance.needs().end()}});
  for (const v1::Task& task : proto.tasks()) {
    CROMT_ASSIGN(TaskView view, FromProto(task));
    run.tasks.push_back(std::move(view));
  }
  return run;
}

void ToProto(const AgentView& agent, v1::ListAgentsResponse::Agent& proto) {
  proto.set_address(agent.address);
  proto.set_agent(agent.agent.text());
  proto.set_up(agent.up);
  proto.set_reason(agent.reason);
  proto.set_slots(agent.slots);
  proto.set_attempts(agent.attempts);
  proto.set_ready(agent.ready);
  proto.set_version(agent.version);
  proto.mutable_names()->Assign(agent.names.begin(), agent.names.end());
  proto.set_drained(agent.drained);
  for (const auto& [name, value] : agent.labels) (*proto.mutable_labels())[ToText(name)] = ToText(value);
}

AgentView FromProto(const v1::ListAgentsResponse::Agent& proto) {
  return {.address = proto.address(),
          .agent = AgentId(proto.agent()),
          .up = proto.up(),
          .reason = proto.reason(),
          .slots = proto.slots(),
          .attempts = proto.attempts(),
          .ready = proto.ready(),
          .version = proto.version(),
          .drained = proto.drained(),
          .labels = {proto.labels().begin(), proto.labels().end()},
          .names = {proto.names().begin(), proto.names().end()}};
}

void ToProto(const RevisionView& revision, v1::Revision& proto) {
  proto.set_revision(revision.revision);
  proto.set_at_us(Micros(revision.at));
  proto.set_author(revision.author);
  proto.set_file(revision.file);
  proto.set_path(revision.path);
  const auto& [added, changed, gone, removed] = revision.changes;
  proto.mutable_added()->Assign(added.begin(), added.end());
  proto.mutable_changed()->Assign(changed.begin(), changed.end());
  proto.mutable_gone()->Assign(gone.begin(), gone.end());
  proto.mutable_removed()->Assign(removed.begin(), removed.end());
}

RevisionView FromProto(const v1::Revision& proto) {
  auto list = [](const auto& names) { return std::vector<std::string>(names.begin(), names.end()); };
  return {proto.revision(),
          proto.file(),
          proto.path(),
          proto.author(),
          WallFromMicros(proto.at_us()),
          {list(proto.added()), list(proto.changed()), list(proto.gone()), list(proto.removed())}};
}

void ToProto(LogPiece piece, const std::string& run, v1::LogChunk& proto) {
  proto.mutable_attempt()->set_run(run);
  proto.mutable_attempt()->set_task(piece.task);
  proto.mutable_attempt()->set_attempt(piece.attempt);
  proto.set_stream(static_cast<v1::Stream>(piece.stream));
  proto.set_offset(piece.offset);
  proto.set_at_us(Micros(piece.at));
  proto.set_data(std::move(piece.data));
}

LogPiece PieceFromProto(v1::LogChunk& proto) {
  return {proto.attempt().task(), proto.attempt().attempt(),     static_cast<uint8_t>(proto.stream()),
          proto.offset(),         WallFromMicros(proto.at_us()), std::move(*proto.mutable_data())};
}

void ToProto(const ArtifactView& artifact, v1::Artifact& proto) {
  proto.set_task(artifact.task);
  proto.set_task_name(ToText(artifact.task_name));
  proto.set_host(ToText(artifact.host));
  proto.set_name(ToText(artifact.name));
  ToProto(artifact.digest, *proto.mutable_digest());
  proto.set_archive(artifact.archive);
}

Result<ArtifactView> FromProto(const v1::Artifact& proto) {
  CROMT_ASSIGN(Digest digest, In("digest.", FromProto(proto.digest())));
  CROMT_TRY(CheckName("name", proto.name()));
  return ArtifactView{proto.task(), proto.task_name(), proto.host(), proto.name(), std::move(digest), proto.archive()};
}

}  // namespace cromt::wire
