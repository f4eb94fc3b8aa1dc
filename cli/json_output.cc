#include "cli/json_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/plan_text.h"
#include "io/seglog/frame.h"

namespace cromt::cli {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which the documentation lists them

constexpr size_t kBatchBytes = 64 << 10;

// What comes from jobs need not be UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json OrNull(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json OrNull(std::optional<Wall> at) {
  return at ? Json(FormatRfc3339(*at)) : Json();
}
template <class Outcome>
Json Word(std::optional<Outcome> outcome) {
  return outcome ? Json(ToString(*outcome)) : Json();
}
std::string IdOf(uint32_t index) {
  return std::to_string(index + 1);
}

Json Ids(const std::vector<InstanceIndex>& indices) {
  Json ids = Json::array();
  for (InstanceIndex index : indices) ids.push_back(IdOf(index));
  return ids;
}

// All but instances and tasks.
Json RunJson(const RunView& run) {
  Json json = {{"id", run.header.id.text()},
               {"project", run.header.project},
               {"state", ToString(run.status.state)},
               {"outcome", Word(run.status.outcome)},
               {"trigger", ToString(run.header.trigger)},
               {"commit", OrNull(run.commit)},
               {"created_at", FormatRfc3339(run.header.created_at)},
               {"started_at", OrNull(run.status.started_at)},
               {"finished_at", OrNull(run.status.finished_at)}};
  if (!run.status.reason.empty()) json["reason"] = run.status.reason;
  return json;
}

Json ContainerJson(const Container& container) {
  Json mounts = Json::array();
  for (const ContainerMount& mount : container.mounts)
    mounts.push_back({{"source", mount.source}, {"target", mount.target}, {"read_only", mount.read_only}});
  return {{"image", OrNull(container.image)},   {"existing", OrNull(container.existing)},
          {"pull", ToString(container.pull)},   {"network", OrNull(container.network)},
          {"user", OrNull(container.user)},     {"read_only", container.read_only},
          {"bootstrap", container.bootstrap},   {"mounts", std::move(mounts)},
          {"privileged", container.privileged}, {"capabilities", container.capabilities},
          {"devices", container.devices},       {"pid", OrNull(container.pid)},
          {"ipc", OrNull(container.ipc)}};
}

// Adds what there is to say.
void AddConfined(const ConfinedView& confined, Json& json) {
  const auto& [container, limits, confinement] = confined;
  if (container) json["container"] = ContainerJson(*container);
  if (limits.any())
    json["limits"] = {{"memory_bytes", limits.memory_bytes > 0 ? Json(limits.memory_bytes) : Json()},
                      {"cpus", limits.cpu_permille > 0 ? Json(limits.cpu_permille / 1000.0) : Json()},
                      {"pids", limits.pids > 0 ? Json(limits.pids) : Json()}};
  if (!confinement.user.empty()) json["user"] = confinement.user;
  if (confinement.sandbox != Sandbox::kStandard) json["sandbox"] = ToString(confinement.sandbox);
}

Json TaskJson(const TaskView& task) {
  const TaskStatus& status = task.status;
  Json json = {{"id", IdOf(task.index)},
               {"instance", IdOf(task.instance)},
               {"name", task.name},
               {"project", task.project},
               {"host", task.host},
               {"state", ToString(status.state)},
               {"outcome", Word(status.outcome)},
               {"reason", OrNull(status.reason)},
               {"exit_code", status.exit ? Json(ShellCode(*status.exit)) : Json()},
               {"attempt", status.attempt},
               {"queued_at", OrNull(status.queued_at)},
               {"started_at", OrNull(status.started_at)},
               {"finished_at", OrNull(status.finished_at)}};
  if (status.ignored) json["ignored"] = true;
  if (!task.confined) return json;
  if (task.confined->container) {
    json["image"] = OrNull(task.confined->container->image);
    json["image_digest"] = OrNull(task.image_digest);
  }
  AddConfined(*task.confined, json);
  return json;
}

// Writes an object whose lists are too long to be held at once.
class LongObject {
 public:
  LongObject(Writer& out, const Json& front) : out_(out), text_(Dump(front)) { text_.pop_back(); }

  template <class Items, class ToJson>
  void List(std::string_view key, const Items& items, const ToJson& to_json) {
    text_ += fmt::format(",\"{}\":[", key);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text_ += ',';
      text_ += Dump(to_json(i));
      if (text_.size() > kBatchBytes) Flush();
    }
    text_ += ']';
  }

  void End() {
    text_ += "}\n";
    Flush();
  }

 private:
  void Flush() {
    out_.Write(text_);
    text_.clear();
  }

  Writer& out_;
  std::string text_;
};

template <class Items, class ToJson>
void WriteLines(Writer& out, const Items& items, const ToJson& to_json) {
  std::string text;
  for (const auto& item : items) {
    text += Dump(to_json(item)) + "\n";
    if (text.size() < kBatchBytes) continue;
    out.Write(text);
    text.clear();
  }
  out.Write(text);
}

Json PlannedTaskJson(const Plan& plan, TaskIndex index) {
  const PlannedTask& task = plan.tasks[index];
  const TaskSpec& spec = plan.spec(index);
  Json groups = Json::array();
  for (uint32_t group : task.groups) groups.push_back(plan.groups[group].name);
  Json publishes = Json::array();
  for (const ArtifactOut& out : spec.publishes) publishes.push_back({{"artifact", out.name}, {"path", out.path}});
  Json json = {{"id", IdOf(index)},
               {"instance", IdOf(task.instance)},
               {"name", spec.name},
               {"project", spec.project},
               {"host", plan.host(index).id},
               {"agent", OrNull(plan.host(index).address)},
               {"does", DescribeWork(spec.work)},
               {"groups", groups},
               {"publishes", std::move(publishes)}};
  AddConfined(ConfinedBy(spec), json);
  return json;
}

std::string_view SeverityWord(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return "error";
}

Json InterpreterWord(step::Interpreter interpreter) {
  switch (interpreter) {
    case step::Interpreter::kCromt: return "cromt";
    case step::Interpreter::kRakudo: return "rakudo";
    case step::Interpreter::kNone: break;
  }
  return nullptr;
}

std::string_view StreamWord(uint8_t stream) {
  switch (static_cast<seglog::Stream>(stream)) {
    case seglog::Stream::kStdout: return "stdout";
    case seglog::Stream::kStderr: return "stderr";
    case seglog::Stream::kStep: return "step";
    case seglog::Stream::kNote: return "note";
  }
  return "unknown";
}

}  // namespace

void JsonOutput::Applied(const ApplyAnswer& answer, const ApplyWish&) {
  out_.Write(Dump({{"file", answer.file},
                   {"revision", answer.revision},
                   {"added", answer.added},
                   {"changed", answer.changed},
                   {"gone", answer.gone},
                   {"warnings", answer.warnings}}) +
             "\n");
}

void JsonOutput::Validated(const Validation& validation) {
  Json diagnostics = Json::array();
  for (const Diagnostic& one : validation.diagnostics)
    diagnostics.push_back({{"severity", SeverityWord(one.severity)},
                           {"line", one.at.line},
                           {"col", one.at.col},
                           {"message", one.message},
                           {"file", one.file}});
  Json json = {{"file", validation.file}, {"ok", validation.ok}};
  if (validation.actions) {
    Json scenarios = Json::array();
    for (const step::SurveyedScenario& scenario : validation.actions->scenarios)
      scenarios.push_back({{"path", scenario.path}, {"interpreter", InterpreterWord(scenario.interpreter)}});
    json["scenarios"] = std::move(scenarios);
    json["tasks"] = validation.actions->tasks;
  } else {
    json["projects"] = validation.projects;
  }
  json["diagnostics"] = std::move(diagnostics);
  out_.Write(Dump(json) + "\n");
}

void JsonOutput::Planned(const Plan& plan, const std::string& project) {
  LongObject object(out_, {{"project", project}});
  object.List("instances", plan.instances, [&](size_t i) -> Json {
    const PlannedInstance& instance = plan.instances[i];
    Json takes = Json::array();
    for (const PlannedInput& input : instance.inputs)
      takes.push_back({{"artifact", input.name}, {"from", IdOf(input.producer)}, {"all_hosts", input.all_hosts}});
    Json json = {{"id", IdOf(static_cast<uint32_t>(i))},
                 {"project", instance.project},
                 {"needs", Ids(instance.needs)},
                 {"after", Ids(instance.after)},
                 {"takes", std::move(takes)}};
    if (instance.when != When::kSuccess) json["when"] = ToString(instance.when);
    return json;
  });
  object.List("tasks", plan.tasks, [&](size_t i) { return PlannedTaskJson(plan, static_cast<TaskIndex>(i)); });
  object.List("groups", plan.groups, [&](size_t i) -> Json {
    const PlannedGroup& group = plan.groups[i];
    return {{"name", group.name}, {"depth", group.depth}, {"mesh_wide", group.mesh_wide}};
  });
  object.End();
}

void JsonOutput::Started(const RunId& run) {
  out_.Write(Dump({{"id", run.text()}}) + "\n");
}

void JsonOutput::CancelAsked(const RunId& run, const std::string& task) {
  out_.Write(Dump({{"id", run.text()}, {"task", OrNull(task)}}) + "\n");
}

void JsonOutput::ShowWhy(const RunView& run, std::optional<TaskIndex> task, const WhyLines& lines) {
  Json reasons = Json::array();
  for (const WhyLine& line : lines) reasons.push_back({{"kind", ToString(line.kind)}, {"text", line.text}});
  out_.Write(Dump({{"run", run.header.id.text()},
                   {"task", task ? Json(IdOf(*task)) : Json()},
                   {"reasons", std::move(reasons)}}) +
             "\n");
}

void JsonOutput::Forgot(const std::string& agent) {
  out_.Write(Dump({{"forgot", agent}}) + "\n");
}

void JsonOutput::Initialized(const std::string& dir, const std::vector<std::string>& files) {
  out_.Write(Dump({{"dir", dir.empty() ? "." : dir}, {"files", files}}) + "\n");
}

void JsonOutput::ShowRun(const RunView& run) {
  LongObject object(out_, RunJson(run));
  object.List("instances", run.instances, [&](size_t i) -> Json {
    const InstanceView& instance = run.instances[i];
    return {{"id", IdOf(static_cast<uint32_t>(i))}, {"project", instance.project}, {"needs", Ids(instance.needs)}};
  });
  object.List("tasks", run.tasks, [&](size_t i) { return TaskJson(run.tasks[i]); });
  object.End();
}

void JsonOutput::ShowTask(const RunView& run, TaskIndex task) {
  out_.Write(Dump(TaskJson(run.tasks.at(task))) + "\n");
}

void JsonOutput::ListRuns(const std::vector<RunView>& runs) {
  WriteLines(out_, runs, RunJson);
}

namespace {

Json ArtifactJson(const ArtifactView& artifact) {
  return {{"task", std::to_string(artifact.task + 1)},
          {"name", artifact.name},
          {"host", artifact.host},
          {"size_bytes", artifact.digest.size_bytes},
          {"sha256", artifact.digest.sha256},
          {"archive", artifact.archive}};
}

}  // namespace

void JsonOutput::ListProjects(const std::vector<ProjectView>& projects) {
  WriteLines(out_, projects, [](const ProjectView& project) -> Json {
    return {{"name", project.name},
            {"file", project.file},
            {"revision", project.revision},
            {"paused", !project.paused.empty()},
            {"pause", OrNull(project.paused)},
            {"schedule", OrNull(project.schedule)},
            {"timezone", OrNull(project.timezone)},
            {"watches", OrNull(project.watches)},
            {"trouble", OrNull(project.trouble)},
            {"next_tick", project.next_tick ? Json(FormatRfc3339(*project.next_tick)) : Json(nullptr)},
            {"last_run", OrNull(project.last_run)}};
  });
}

void JsonOutput::ListTicks(const std::vector<TickSettled>& ticks) {
  WriteLines(out_, ticks, [](const TickSettled& tick) -> Json {
    return {{"revision", tick.revision},         {"first", FormatRfc3339(tick.first)},
            {"last", FormatRfc3339(tick.last)},  {"count", tick.count == 0 ? Json(nullptr) : Json(tick.count)},
            {"outcome", ToString(tick.outcome)}, {"run", OrNull(tick.run.text())},
            {"why", OrNull(tick.why)},           {"at", FormatRfc3339(tick.at)}};
  });
}

void JsonOutput::PauseIs(std::string_view what, const std::string& project) {
  WriteLines(out_, std::vector{what}, [&](std::string_view is) -> Json {
    return {{"project", OrNull(project)}, {"is", is}};
  });
}

void JsonOutput::ListRevisions(const std::vector<RevisionView>& revisions) {
  WriteLines(out_, revisions, [](const RevisionView& revision) -> Json {
    return {{"revision", revision.revision},
            {"at", FormatRfc3339(revision.at)},
            {"author", OrNull(revision.author)},
            {"file", revision.file},
            {"path", revision.path},
            {"added", revision.changes.added},
            {"changed", revision.changes.changed},
            {"gone", revision.changes.gone},
            {"removed", revision.changes.removed}};
  });
}

void JsonOutput::ListArtifacts(const std::vector<ArtifactView>& artifacts) {
  WriteLines(out_, artifacts, ArtifactJson);
}

void JsonOutput::Got(const ArtifactView& artifact, const std::string& to) {
  Json line = ArtifactJson(artifact);
  line["to"] = to;
  WriteLines(out_, std::vector{line}, [](const Json& one) { return one; });
}

void JsonOutput::ListAgents(const std::vector<AgentView>& agents) {
  WriteLines(out_, agents, [](const AgentView& agent) -> Json {
    return {{"names", agent.names},
            {"address", agent.address},
            {"agent", OrNull(agent.agent.text())},
            {"state", agent.up ? "up" : "down"},
            {"slots", agent.slots},
            {"attempts", agent.attempts},
            {"ready", agent.ready},
            {"labels", agent.labels},
            {"version", OrNull(agent.version)},
            {"drained", OrNull(agent.drained)},
            {"reason", OrNull(agent.reason)}};
  });
}

void JsonOutput::ListSecrets(const std::vector<SecretView>& secrets) {
  WriteLines(out_, secrets, [](const SecretView& secret) -> Json {
    return {{"name", secret.name},
            {"project", OrNull(secret.project)},
            {"set_at", FormatRfc3339(secret.at)},
            {"author", OrNull(secret.author)}};
  });
}

void JsonOutput::SecretIs(std::string_view what, const std::string& project, const std::string& name) {
  out_.Write(Dump({{"name", name}, {"project", OrNull(project)}, {"state", what}}) + "\n");
}

std::string LogPieceJson(const LogPiece& piece) {
  return Dump({{"task", IdOf(piece.task)},
               {"attempt", piece.attempt},
               {"stream", StreamWord(piece.stream)},
               {"at", FormatRfc3339(piece.at)},
               {"data", piece.data}}) +
         "\n";
}

}  // namespace cromt::cli
