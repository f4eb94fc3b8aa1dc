// A coordinator for tests of the command line: records what was asked, answers what the test has put in. A run that
// has not finished goes on until it is canceled, or whoever follows stops. Thread-safe like any Control; fields are set
// before and read after a command.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/control.h"

namespace cromt::cli {

class FakeControl final : public Control {
 public:
  // ---- What it answers ------------------------------------------------------------------------
  Result<ApplyAnswer> apply_answer = ApplyAnswer{.file = "jobs.yaml", .revision = 1};
  Result<RunId> start_answer = RunId("run1");
  RunView view;  // of the only run there is
  std::vector<RunView> listed_runs;
  std::vector<ProjectView> listed_projects;
  std::vector<std::string> notices;  // of those
  std::vector<AgentView> listed_agents;
  std::vector<RevisionView> listed_revisions;
  std::vector<SecretView> listed_secrets;
  std::vector<std::string> secret_warnings;
  std::vector<RunUpdate> updates;    // what a watcher is given; then, where the last is no end, it waits
  std::vector<LogPiece> pieces;      // what a reader is given
  RunUpdate after_cancel;            // what a watcher is given once the run was canceled
  size_t cancels_to_end = 1;         // how often it must be canceled for that
  std::optional<Error> watch_error;  // what every WatchRun is refused with
  int breaks = 0;                    // the first calls of WatchRun that break after the first update
  int log_breaks = 0;                // the first calls of RunLogs that break after the first piece
  std::optional<Error> log_error;    // how each RunLogs ends once the run has
  std::function<void()> on_waiting;  // called when a watcher has been given all and waits

  // ---- What was asked -------------------------------------------------------------------------
  std::vector<ApplyRequest> applied;
  std::vector<StartRequest> started;
  std::vector<SecretRequest> secrets_set;
  std::vector<std::string> secrets_removed;  // "project/name"
  std::vector<std::string> canceled;         // "run/task"
  std::vector<std::string> logs_read;        // "run/task"
  int watches = 0;
  uint32_t limit = 0;
  std::string project;

  Result<ApplyAnswer> Apply(const ApplyRequest& request) override {
    applied.push_back(request);
    return apply_answer;
  }
  Result<RunId> Start(const StartRequest& request) override {
    started.push_back(request);
    return start_answer;
  }
  Result<RunId> Cancel(const std::string& run, const std::string& task, const std::string&) override {
    std::lock_guard lock(mutex_);
    canceled.push_back(run + "/" + task);
    is_canceled_ = canceled.size() >= cancels_to_end;
    changed_.notify_all();
    return RunId(run);
  }
  Result<RunId> Rerun(const RerunRequest& request) override {
    rerun.push_back(request);
    return start_answer;
  }
  Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string&) override {
    asked_why.push_back(run + "/" + task);
    return why_answer;
  }
  Status DrainAgent(const std::string& agent, const std::string& why, const std::string&) override {
    drained = agent + ": " + why;
    return {};
  }
  Status ResumeAgent(const std::string& agent) override {
    if (!drained.starts_with(agent)) return Fail(ErrorCode::kConflict, agent + " is not out of service");
    drained.clear();
    return {};
  }
  std::string drained;
  Status ForgetAgent(const std::string& agent, const std::string&) override {
    forgotten.push_back(agent);
    return {};
  }
  std::vector<RerunRequest> rerun;
  std::vector<std::string> asked_why, forgotten;
  WhyLines why_answer;
  Result<RunView> GetRun(const std::string& run, const std::string&) override {
    if (run != "last" && !view.header.id.text().starts_with(run))
      return Fail(ErrorCode::kNotFound, "there is no run " + run);
    return view;
  }
  Result<std::vector<RunView>> ListRuns(const std::string& wanted, uint32_t most) override {
    project = wanted;
    limit = most;
    return listed_runs;
  }
  Result<ProjectList> ListProjects() override { return ProjectList{listed_projects, notices}; }
  Result<std::vector<AgentView>> ListAgents() override { return listed_agents; }
  Result<std::vector<ArtifactView>> ListArtifacts(const std::string&, const std::string&) override {
    return listed_artifacts;
  }
  Status GetArtifact(const std::string&, const std::string& host, const std::string& name, const std::string&,
                     const std::function<Status(const ArtifactView&)>& begin,
                     const std::function<Status(std::string_view)>& sink) override {
    for (const ArtifactView& artifact : listed_artifacts) {
      if (artifact.name != name || (!host.empty() && artifact.host != host)) continue;
      CROMT_TRY(begin(artifact));
      return sink(artifact_bytes);
    }
    return Fail(ErrorCode::kNotFound, "the run has published no '" + name + "'");
  }
  Result<std::vector<TickSettled>> ListTicks(const std::string& wanted, uint32_t most) override {
    project = wanted;
    limit = most;
    return listed_ticks;
  }
  Status Pause(const PauseRequest& request) override {
    paused = request;
    return {};
  }
  Status Unpause(const std::string& wanted, const std::string&) override {
    if (!paused || paused->project != wanted)
      return Fail(ErrorCode::kConflict, "project '" + wanted + "' is not paused");
    paused.reset();
    return {};
  }
  std::vector<TickSettled> listed_ticks;
  std::optional<PauseRequest> paused;
  std::vector<ArtifactView> listed_artifacts;
  std::string artifact_bytes;
  Result<std::vector<RevisionView>> ListRevisions(const std::string& wanted, uint32_t most) override {
    project = wanted;
    limit = most;
    return listed_revisions;
  }

  Result<RevisionText> GetRevision(uint64_t revision) override {
    for (const RevisionText& one : revisions)
      if (one.view.revision == revision) return one;
    return Fail(ErrorCode::kNotFound, "there is no revision " + std::to_string(revision));
  }
  Status DebugBundle(const std::function<Status(const BundleFile&)>& sink) override {
    for (const BundleFile& file : bundle) CROMT_TRY(sink(file));
    return bundle_end;
  }
  std::vector<RevisionText> revisions;
  std::vector<BundleFile> bundle;
  Status bundle_end;

  Status WatchRun(const std::string&, const std::string&, const std::function<bool(const RunUpdate&)>& sink) override {
    ++watches;
    if (watch_error) return tl::unexpected<Error>(*watch_error);
    bool ended = false;
    for (const RunUpdate& update : updates) {
      if (!sink(update)) return {};
      ended = update.run && update.run->status.state == RunState::kFinished;
      if (breaks > 0 && breaks-- > 0) return Fail(ErrorCode::kUnavailable, "connection reset");
    }
    if (!ended && on_waiting) on_waiting();
    std::unique_lock lock(mutex_);
    if (!ended) changed_.wait(lock, [this] { return is_canceled_ || is_stopped_; });
    const bool is_end_due = !ended && is_canceled_ && !is_stopped_;
    lock.unlock();
    if (is_end_due) sink(after_cancel);
    lock.lock();
    is_ended_ = is_ended_ || ended || is_end_due;
    changed_.notify_all();
    return is_stopped_ ? Status(Fail(ErrorCode::kCanceled, "stopped")) : Status();
  }

  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string&,
                 const std::function<bool(const LogPiece&)>& sink) override {
    logs_read.push_back(run + "/" + task);
    for (const LogPiece& piece : pieces) {
      if (!task.empty() && task != std::to_string(piece.task + 1)) continue;
      if (!sink(piece)) return {};
      if (log_breaks > 0 && log_breaks-- > 0) return Fail(ErrorCode::kUnavailable, "connection reset");
    }
    std::unique_lock lock(mutex_);
    if (follow) changed_.wait(lock, [this] { return is_ended_ || is_stopped_; });
    if (log_error && !is_stopped_) return tl::unexpected<Error>(*log_error);
    return is_stopped_ ? Status(Fail(ErrorCode::kCanceled, "stopped")) : Status();
  }

  Result<std::vector<std::string>> SetSecret(const SecretRequest& request) override {
    secrets_set.push_back(request);
    return secret_warnings;
  }
  Result<std::vector<SecretView>> ListSecrets(const std::string& asked) override {
    project = asked;
    return listed_secrets;
  }
  Status RemoveSecret(const std::string& of, const std::string& name) override {
    secrets_removed.push_back(of + "/" + name);
    return {};
  }

  void StopFollowing() override {
    std::lock_guard lock(mutex_);
    is_stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_canceled_ = false;
  bool is_stopped_ = false;
  bool is_ended_ = false;
};

// What the commands get: calls go on to a fake that the test keeps.
class ForwardingControl final : public Control {
 public:
  explicit ForwardingControl(Control& to) : to_(to) {}
  Result<ApplyAnswer> Apply(const ApplyRequest& request) override { return to_.Apply(request); }
  Result<RunId> Start(const StartRequest& request) override { return to_.Start(request); }
  Result<RunId> Cancel(const std::string& run, const std::string& task, const std::string& author) override {
    return to_.Cancel(run, task, author);
  }
  Result<RunId> Rerun(const RerunRequest& request) override { return to_.Rerun(request); }
  Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string& author) override {
    return to_.Why(run, task, author);
  }
  Status DrainAgent(const std::string& agent, const std::string& why, const std::string& author) override {
    return to_.DrainAgent(agent, why, author);
  }
  Status ResumeAgent(const std::string& agent) override { return to_.ResumeAgent(agent); }
  Status ForgetAgent(const std::string& agent, const std::string& author) override {
    return to_.ForgetAgent(agent, author);
  }
  Result<RunView> GetRun(const std::string& run, const std::string& author) override { return to_.GetRun(run, author); }
  Result<std::vector<RunView>> ListRuns(const std::string& project, uint32_t limit) override {
    return to_.ListRuns(project, limit);
  }
  Result<ProjectList> ListProjects() override { return to_.ListProjects(); }
  Result<std::vector<AgentView>> ListAgents() override { return to_.ListAgents(); }
  Result<std::vector<ArtifactView>> ListArtifacts(const std::string& run, const std::string& author) override {
    return to_.ListArtifacts(run, author);
  }
  Status GetArtifact(const std::string& run, const std::string& host, const std::string& name,
                     const std::string& author, const std::function<Status(const ArtifactView&)>& begin,
                     const std::function<Status(std::string_view)>& sink) override {
    return to_.GetArtifact(run, host, name, author, begin, sink);
  }
  Result<std::vector<RevisionView>> ListRevisions(const std::string& project, uint32_t limit) override {
    return to_.ListRevisions(project, limit);
  }
  Result<RevisionText> GetRevision(uint64_t revision) override { return to_.GetRevision(revision); }
  Status DebugBundle(const std::function<Status(const BundleFile&)>& sink) override { return to_.DebugBundle(sink); }
  Result<std::vector<TickSettled>> ListTicks(const std::string& project, uint32_t limit) override {
    return to_.ListTicks(project, limit);
  }
  Status Pause(const PauseRequest& request) override { return to_.Pause(request); }
  Status Unpause(const std::string& project, const std::string& author) override {
    return to_.Unpause(project, author);
  }
  Status WatchRun(const std::string& run, const std::string& author,
                  const std::function<bool(const RunUpdate&)>& sink) override {
    return to_.WatchRun(run, author, sink);
  }
  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                 const std::function<bool(const LogPiece&)>& sink) override {
    return to_.RunLogs(run, task, follow, author, sink);
  }
  Result<std::vector<std::string>> SetSecret(const SecretRequest& request) override { return to_.SetSecret(request); }
  Result<std::vector<SecretView>> ListSecrets(const std::string& project) override { return to_.ListSecrets(project); }
  Status RemoveSecret(const std::string& project, const std::string& name) override {
    return to_.RemoveSecret(project, name);
  }
  void StopFollowing() override { to_.StopFollowing(); }

 private:
  Control& to_;
};

}  // namespace cromt::cli
