#include "cli/embed/local_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>

#include "base/name.h"
#include "cli/embed/left_run.h"
#include "coordinator/log_store.h"
#include "coordinator/store/reader.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
constexpr size_t kLogSlice = 1 << 20;

constexpr std::string_view kNoSecrets = "it has no secrets";
constexpr std::string_view kNoSchedules = "it starts nothing by itself";

tl::unexpected<Error> OnlyKept(std::string_view what) {
  return Fail(ErrorCode::kInvalid, fmt::format("--local only shows what 'cromt run' has kept; {}", what));
}

class LocalRuns final : public Control {
 public:
  explicit LocalRuns(std::string dir) : dir_(std::move(dir)) {}

  Result<RunView> GetRun(const std::string& run, const std::string&) override {
    CROMT_ASSIGN(const RunId id, Resolve(run));
    CROMT_ASSIGN(StoreReader reader, StoreReader::Open(StoreOf(id)));
    auto view = reader.Run(id);
    if (view) TellIfLeft(dir_ + "/" + id.text(), *view);
    if (!view && view.error().code == ErrorCode::kNotFound)
      return Fail(ErrorCode::kNotFound, "run " + id.text() + " has not begun: nothing of it ran");
    return view;
  }

  Result<std::vector<RunView>> ListRuns(const std::string& project, uint32_t limit) override {
    std::vector<RunView> all;
    for (const RunId& id : Ids()) {
      auto reader = StoreReader::Open(StoreOf(id));
      if (!reader) continue;
      auto runs = reader->Runs(project, limit);
      if (!runs) continue;
      for (RunView& run : *runs) TellIfLeft(dir_ + "/" + id.text(), run);
      std::move(runs->begin(), runs->end(), std::back_inserter(all));
    }
    std::sort(all.begin(), all.end(),
              [](const RunView& a, const RunView& b) { return a.header.created_at > b.header.created_at; });
    if (all.size() > limit) all.resize(limit);
    return all;
  }

  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                 const std::function<bool(const LogPiece&)>& sink) override {
    CROMT_ASSIGN(const RunView view, GetRun(run, author));
    if (follow && view.status.state != RunState::kFinished) return OnlyKept("what goes on there can't be followed");
    CROMT_ASSIGN(const auto only, TaskNamed(view, task));
    CROMT_ASSIGN(const auto logs,
                 LogStore::Open(dir_ + "/" + view.header.id.text() + "/coordinator/logs", Durability::kProcess, {}));
    for (uint64_t cursor = 0; !stopped_;) {
      CROMT_ASSIGN(const auto slice, logs->Read(view.header.id, cursor, kLogSlice));
      if (slice.pieces.empty()) return {};
      cursor = slice.next_cursor;
      for (const LogPiece& piece : slice.pieces)
        if ((!only || piece.task == *only) && !sink(piece)) return {};
    }
    return Fail(ErrorCode::kCanceled, "it was stopped");
  }
  void StopFollowing() override { stopped_ = true; }

  // Of one that has ended, the end.
  Status WatchRun(const std::string& run, const std::string& author,
                  const std::function<bool(const RunUpdate&)>& sink) override {
    CROMT_ASSIGN(RunView view, GetRun(run, author));
    if (view.status.state != RunState::kFinished) return OnlyKept("what goes on there can't be followed");
    RunUpdate update;
    update.tasks = std::move(view.tasks);
    view.tasks.clear();
    update.run = std::move(view);
    sink(update);
    return {};
  }
  Result<ApplyAnswer> Apply(const ApplyRequest&) override { return OnlyKept("no file can be applied"); }
  Result<RunId> Start(const StartRequest&) override { return OnlyKept("nothing can be started"); }
  Result<RunId> Cancel(const std::string&, const std::string&, const std::string&) override {
    return OnlyKept("nothing can be canceled");
  }
  Result<RunId> Rerun(const RerunRequest&) override { return OnlyKept("nothing can be started"); }
  Status DrainAgent(const std::string&, const std::string&, const std::string&) override {
    return OnlyKept("it has no agents");
  }
  Status ResumeAgent(const std::string&) override { return OnlyKept("it has no agents"); }
  Status ForgetAgent(const std::string&, const std::string&) override { return OnlyKept("it has no agents"); }
  // What the store remembers; who waits for whom only the process knows that runs it.
  Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string& author) override {
    CROMT_ASSIGN(const RunView view, GetRun(run, author));
    CROMT_ASSIGN(const auto index, TaskNamed(view, task));
    if (!index) {
      WhyLines lines = HowItEnded(view);
      TellWhoKnows(view, lines);
      return lines;
    }
    CROMT_ASSIGN(StoreReader reader, StoreReader::Open(StoreOf(view.header.id)));
    CROMT_ASSIGN(const auto history, reader.History(view.header.id, *index));
    WhyLines lines = WhatCameBefore(view.tasks[*index], history);
    lines.push_back(HowItEnded(view.tasks[*index]));
    if (view.tasks[*index].status.state != TaskState::kFinished) TellWhoKnows(view, lines);
    return lines;
  }
  Result<ProjectList> ListProjects() override { return OnlyKept("it has no projects"); }
  Result<std::vector<AgentView>> ListAgents() override { return OnlyKept("it has no agents"); }
  Result<std::vector<ArtifactView>> ListArtifacts(const std::string& run, const std::string& author) override {
    CROMT_ASSIGN(const RunView view, GetRun(run, author));
    CROMT_ASSIGN(auto reader, StoreReader::Open(StoreOf(view.header.id)));
    CROMT_ASSIGN(auto artifacts, reader.Artifacts(view.header.id));
    std::vector<ArtifactView> views;
    for (auto& artifact : artifacts) views.push_back(std::move(artifact.view));
    return views;
  }
  Status GetArtifact(const std::string&, const std::string&, const std::string&, const std::string&,
                     const std::function<Status(const ArtifactView&)>&,
                     const std::function<Status(std::string_view)>&) override {
    return OnlyKept("its artifacts can only be listed");
  }
  Result<std::vector<RevisionView>> ListRevisions(const std::string&, uint32_t) override {
    return OnlyKept("it has no revisions");
  }
  Result<RevisionText> GetRevision(uint64_t) override { return OnlyKept("it has no revisions"); }
  Status DebugBundle(const std::function<Status(const BundleFile&)>&) override { return OnlyKept("it has no state"); }
  Result<std::vector<TickSettled>> ListTicks(const std::string&, uint32_t) override { return OnlyKept(kNoSchedules); }
  Status Pause(const PauseRequest&) override { return OnlyKept(kNoSchedules); }
  Status Unpause(const std::string&, const std::string&) override { return OnlyKept(kNoSchedules); }
  Result<std::vector<std::string>> SetSecret(const SecretRequest&) override { return OnlyKept(kNoSecrets); }
  Result<std::vector<SecretView>> ListSecrets(const std::string&) override { return OnlyKept(kNoSecrets); }
  Status RemoveSecret(const std::string&, const std::string&) override { return OnlyKept(kNoSecrets); }

 private:
  // Of what has not ended: who goes on with it, or why nobody does.
  static void TellWhoKnows(const RunView& view, WhyLines& lines) {
    if (view.status.state == RunState::kFinished) return;
    lines.push_back({WhyKind::kHeld, view.status.reason.empty()
                                         ? "'cromt run' is at work on it, and shows there what it waits for"
                                         : "nothing goes on: the run is " + view.status.reason});
  }

  std::string StoreOf(const RunId& id) const { return dir_ + "/" + id.text() + "/coordinator/store.db"; }

  // Of the directories that hold a run.
  std::vector<RunId> Ids() const {
    std::vector<RunId> ids;
    std::error_code error;
    for (fs::directory_iterator it(dir_, error), end; !error && it != end; it.increment(error)) {
      RunId id(it->path().filename().string());
      std::error_code gone;
      if (IsName(id.text()) && fs::is_regular_file(StoreOf(id), gone)) ids.push_back(std::move(id));
    }
    return ids;
  }

  Result<RunId> Resolve(const std::string& run) {
    if (run == "last") {
      CROMT_ASSIGN(const auto newest, ListRuns("", 1));
      if (newest.empty()) return Fail(ErrorCode::kNotFound, "'cromt run' has kept no run in " + dir_);
      return newest[0].header.id;
    }
    CROMT_TRY(CheckName("run", run));
    std::vector<RunId> found;
    for (RunId& id : Ids()) {
      if (id.text() == run) return id;
      if (id.text().starts_with(run)) found.push_back(std::move(id));
    }
    if (found.size() == 1) return found[0];
    if (found.empty()) return Fail(ErrorCode::kNotFound, fmt::format("there is no run {} in {}", run, dir_));
    return Fail(ErrorCode::kInvalid,
                fmt::format("'{}' begins several runs: {}, {}…", run, found[0].text(), found[1].text()));
  }

  const std::string dir_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

std::unique_ptr<Control> OpenLocalRuns(std::string dir) {
  return std::make_unique<LocalRuns>(std::move(dir));
}

}  // namespace cromt
