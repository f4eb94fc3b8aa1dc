// Coordinator::DebugBundle: what is known of the coordinator and its agents, file by file, with all secrets hidden.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "base/version.h"
#include "coordinator/coordinator.h"
#include "coordinator/engine_trace.h"
#include "coordinator/store/schema.h"
#include "io/diagnosis/diagnosis.h"

namespace cromt {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr uint32_t kMostRuns = 200;
constexpr size_t kMostTasks = 1000;  // of a run
constexpr size_t kAgentsAtOnce = 8;  // whose answers are in memory
constexpr Duration kAgentsPatience = seconds(120);
constexpr int kMostEntries = 100'000;  // of a directory that are counted

Json AgentJson(const AgentView& agent) {
  return {{"address", agent.address}, {"names", agent.names},       {"agent", agent.agent.text()},
          {"up", agent.up},           {"reason", agent.reason},     {"slots", agent.slots},
          {"ready", agent.ready},     {"attempts", agent.attempts}, {"version", agent.version},
          {"labels", agent.labels},   {"drained", agent.drained}};
}

Json ProjectJson(const ProjectView& project) {
  Json json = {{"name", project.name},         {"file", project.file},         {"revision", project.revision},
               {"last_run", project.last_run}, {"schedule", project.schedule}, {"timezone", project.timezone},
               {"watches", project.watches},   {"trouble", project.trouble},   {"paused", project.paused}};
  if (project.next_tick) json["next_tick"] = FormatRfc3339(*project.next_tick);
  return json;
}

Json TaskJson(const TaskView& task) {
  const TaskStatus& status = task.status;
  Json json = {{"task", task.index + 1},          {"project", task.project},   {"host", task.host},
               {"state", ToString(status.state)}, {"attempt", status.attempt}, {"agent", status.agent.text()},
               {"reason", status.reason}};
  if (status.outcome) json["outcome"] = ToString(*status.outcome);
  if (status.stop_wanted) json["stop_wanted"] = true;
  if (status.started_at) json["started_at"] = FormatRfc3339(*status.started_at);
  return json;
}

Json RunJson(const RunView& run) {
  Json json = {{"id", run.header.id.text()},
               {"project", run.header.project},
               {"state", ToString(run.status.state)},
               {"reason", run.status.reason},
               {"trigger", ToString(run.header.trigger)},
               {"revision", run.header.revision},
               {"created_at", FormatRfc3339(run.header.created_at)},
               {"tasks", Json::array()}};
  size_t told = 0;
  for (const TaskView& task : run.tasks) {
    if (task.status.state == TaskState::kFinished || ++told > kMostTasks) continue;
    json["tasks"].push_back(TaskJson(task));
  }
  json["tasks_left_out"] = told - std::min(told, kMostTasks);
  json["tasks_of_all"] = run.tasks.size();
  return json;
}

// Of a directory how much lies in it. What goes away meanwhile is not there.
Json SizeJson(const fs::directory_entry& entry) {
  std::error_code ignored;
  if (!entry.is_directory(ignored)) return {{"bytes", entry.file_size(ignored)}};
  uint64_t bytes = 0;
  int files = 0;
  fs::recursive_directory_iterator at(entry.path(), fs::directory_options::skip_permission_denied, ignored);
  for (; at != fs::recursive_directory_iterator() && files < kMostEntries; at.increment(ignored)) {
    if (ignored) break;
    if (!at->is_regular_file(ignored)) continue;
    ++files;
    if (const auto size = at->file_size(ignored); !ignored) bytes += size;
  }
  return {{"bytes", bytes}, {"files", files}, {"all_counted", files < kMostEntries}};
}

Json DiskJson(const std::string& dir) {
  Json json = {{"directory", dir}, {"files", Json::object()}};
  struct statvfs disk {};
  if (::statvfs(dir.c_str(), &disk) == 0) {
    json["free_bytes"] = uint64_t{disk.f_bavail} * disk.f_frsize;
    json["size_bytes"] = uint64_t{disk.f_blocks} * disk.f_frsize;
  }
  std::error_code ignored;
  for (fs::directory_iterator at(dir, ignored); at != fs::directory_iterator(); at.increment(ignored)) {
    if (ignored) break;
    json["files"][at->path().filename().string()] = SizeJson(*at);
  }
  return json;
}

// A name of an agent or an address as that of a file.
std::string FileName(const std::string& name) {
  std::string safe;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    safe += plain || (c == '.' && !safe.empty()) ? c : '_';
  }
  return safe.substr(0, 100);
}

// What an agent has said is read and hidden once more: it knows only the secrets of its own jobs.
Result<std::string> Hidden(const std::string& text, const Hider& hider) {
  CROMT_ASSIGN(Json json, ReadForeignJson(text));
  hider.HideIn(json);
  return DumpJson(json);
}

// Asks agents, some at a time, and gives each answer to `take`, one at a time, as it comes. `missing` says who was left
// out and why.
class AgentRound {
 public:
  using Ask = std::function<Result<std::string>(const std::string& address)>;
  using Take = std::function<Status(const AgentView& agent, const std::string& text)>;
  AgentRound(const std::vector<AgentView>& agents, Ask ask, Take take)
      : agents_(agents), ask_(std::move(ask)), take_(std::move(take)) {}

  Status Go() {
    const Mono until = SystemClock().Read().mono + kAgentsPatience;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < std::min(kAgentsAtOnce, agents_.size()); ++i)
      threads.emplace_back([&, this] {
        while (AskNext(until)) {
        }
      });
    for (std::thread& thread : threads) thread.join();
    return taken_;
  }
  Json missing() { return std::move(missing_); }

 private:
  bool AskNext(Mono until) {
    const AgentView* agent = nullptr;
    {
      MutexLock lock(mutex_);
      if (next_ == agents_.size() || !taken_) return false;
      agent = &agents_[next_++];
    }
    auto said = Said(*agent, until);
    MutexLock lock(mutex_);
    if (!said)
      missing_.push_back({{"address", agent->address}, {"agent", agent->agent.text()}, {"why", said.error().message}});
    else if (taken_)
      taken_ = take_(*agent, *said);
    return true;
  }
  Result<std::string> Said(const AgentView& agent, Mono until) const {
    if (!ask_) return Fail(ErrorCode::kUnavailable, "agents are not asked here");
    if (!agent.up) return Fail(ErrorCode::kUnavailable, agent.reason.empty() ? "it is down" : agent.reason);
    if (SystemClock().Read().mono >= until) return Fail(ErrorCode::kTimeout, "too many others took too long");
    return ask_(agent.address);
  }

  const std::vector<AgentView>& agents_;
  const Ask ask_;
  const Take take_;
  Mutex mutex_;
  size_t next_ CROMT_GUARDED_BY(mutex_) = 0;
  Status taken_ CROMT_GUARDED_BY(mutex_);
  Json missing_ CROMT_GUARDED_BY(mutex_) = Json::array();
};

}  // namespace

Status Coordinator::DebugBundle(const std::function<Status(const BundleFile&)>& sink) {
  // Without what is to be hidden nothing is shown.
  CROMT_ASSIGN(const std::vector<std::string> secrets, secrets_->AllValues());
  const Hider hider(secrets);
  Json files = Json::array();
  const auto put = [&](const std::string& name, std::string text) {
    files.push_back(name);
    return sink({name, std::move(text)});
  };
  const auto put_json = [&](const std::string& name, Json json) {
    hider.HideIn(json);
    return put(name, DumpJson(json));
  };
  Json trouble = Json::array();  // what a question to a loop that is stuck, or a store that can't be read, leaves out
  const auto asked = [&](std::string_view what, const auto& answer) {
    if (!answer) trouble.push_back({{"what", what}, {"why", answer.error().message}});
    return answer.has_value();
  };

  Json state = {{"version", VersionText()}, {"mesh", engine_->mesh().text()}, {"store_version", kSchemaVersion}};
  state["options"] = {{"local_address", options_.local_address},
                      {"agents", NamedAgents()},
                      {"start_by_itself", options_.start_by_itself},
                      {"watch_agents", options_.watch_agents}};
  for (const char* list : {"agents", "projects", "unfinished_runs"}) state[list] = Json::array();
  if (MutexLock lock(mutex_); true) state["held"] = held_;
  state["disk"] = DiskJson(options_.data_dir);
  std::vector<AgentView> agents;
  if (auto listed = ListAgents(); asked("agents", listed)) agents = std::move(*listed);
  for (const AgentView& agent : agents) state["agents"].push_back(AgentJson(agent));
  if (const auto projects = ListProjects(); asked("projects", projects)) {
    for (const ProjectView& project : projects->projects) state["projects"].push_back(ProjectJson(project));
    state["notices"] = projects->notices;
  }
  const auto unfinished = WithReader([](StoreReader& reader) { return reader.Unfinished(kMostRuns); });
  if (asked("runs", unfinished))
    for (const RunId& id : *unfinished) {
      const auto run = GetRun(id.text(), "");
      if (!run) continue;  // it has just finished, or nobody answers, which the others tell
      Json json = RunJson(*run);
      if (const auto why = Why(id.text(), "", ""))
        for (const WhyLine& line : *why) json["why"].push_back(line.text);
      state["unfinished_runs"].push_back(std::move(json));
    }
  CROMT_TRY(put_json("coordinator.json", std::move(state)));
  CROMT_TRY(put_json("coordinator-events.json", EventsJson(trace_->events())));

  std::map<std::string, int> names;  // of agents, as those of files: how often
  AgentRound round(agents, options_.diagnose_agent, [&](const AgentView& agent, const std::string& text) -> Status {
    auto hidden = Hidden(text, hider);
    if (!hidden) {
      trouble.push_back({{"what", agent.address}, {"why", hidden.error().message}});
      return {};
    }
    std::string name = FileName(hider.Hide(agent.agent.empty() ? agent.address : agent.agent.text()));
    if (const int before = names[name]++; before > 0) name += fmt::format("-{}", before + 1);
    return put(fmt::format("agents/{}.json", name), std::move(*hidden));
  });
  CROMT_TRY(round.Go());
  Json manifest = {{"made_at", FormatRfc3339(clock_.Read().wall)}, {"version", VersionText()}, {"files", files}};
  manifest["missing_agents"] = round.missing();
  manifest["trouble"] = std::move(trouble);
  hider.HideIn(manifest);
  return sink({"manifest.json", DumpJson(manifest)});
}

}  // namespace cromt
