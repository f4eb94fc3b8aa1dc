// A folder with a store, and what is put into it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite_store.h"

namespace cromt {

class StoreEnv : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = testing::TempDir() + "store-" + test->test_suite_name() + "-" + test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/store.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<SqliteStore> Open() { return *SqliteStore::Open(path_, random_, Durability::kProcess); }
  // What a starting coordinator gets of it, or is told.
  Result<StoredState> Start(const std::string& path) {
    CROMT_ASSIGN(auto store, SqliteStore::Open(path, random_, Durability::kProcess));
    return store->Load();
  }
  void Execute(const std::string& sql) {
    auto done = sqlite::Database::Open(path_, sqlite::Database::Mode::kReadWrite)->Execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  static std::string Bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }
  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  static std::shared_ptr<const Plan> Tasks(size_t count) {
    auto plan = std::make_shared<Plan>();
    plan->specs = {{.name = "say hello", .project = "hello", .work = Script{"echo hello"}}};
    plan->hosts = {{"h1", "127.0.0.1:1"}};
    plan->instances = {{.project = "hello", .first_task = 0, .task_count = static_cast<uint32_t>(count)}};
    for (size_t i = 0; i < count; ++i) plan->tasks.push_back({0, 0, 0, {}});
    return plan;
  }
  static RunCreated NewRun(const std::string& id, const std::string& request, size_t tasks = 2) {
    return {{RunId(id), RequestId(request), "hello", Trigger::kManual, 0, "ann", WallFromMicros(1)}, Tasks(tasks)};
  }
  static TaskChanged Finished(const std::string& run, TaskIndex task) {
    TaskStatus status;
    status.state = TaskState::kFinished;
    status.outcome = TaskOutcome::kFailed;
    status.attempt = 2;
    status.exit = Signaled{9};
    status.reason = "killed";
    status.tries = 1;
    status.finished_at = WallFromMicros(7);
    return {RunId(run), task, status};
  }
  static RunChanged Ended(const std::string& run) {
    return {RunId(run), {.state = RunState::kFinished, .outcome = RunOutcome::kFailed}};
  }
  static FileApplied Applied(uint64_t revision, const std::string& text, ProjectChanges changes,
                             std::vector<std::string> projects) {
    return {
        "mesh",  "/srv/jobs.yaml", revision, text, "ann", RequestId("q" + std::to_string(revision)), WallFromMicros(7),
        changes, projects};
  }
  static ArtifactsPublished Published(const std::string& run, TaskIndex task) {
    return {RunId(run), task, 1, AgentId("a"), {{"report", {std::string(64, 'a'), 5}, false, "ticket"}}};
  }
  static ImageRan Image(const std::string& run, TaskIndex task, uint32_t attempt) {
    return {RunId(run), task, attempt, fmt::format("tool@sha256:{:064}", attempt)};
  }
  static ScheduleSet Scheduled(const std::string& project, int64_t handled) {
    return {project, 1, "@hourly\nUTC", WallFromMicros(handled), "boot", WallFromMicros(handled - 1)};
  }
  static TickSettled Ticked(const std::string& project, int64_t at, const std::string& run = "r2") {
    return {project,    1,  WallFromMicros(at), WallFromMicros(at), 1, TickOutcome::kStarted,
            RunId(run), "", WallFromMicros(at)};
  }
  static LaneHeld Held(const std::string& run) {
    return {{RunId(run), 0, 1}, AgentId("a"), "h1 (127.0.0.1:1)", "hello", {"deploy", "build"}};
  }

  // A bit of everything, in several commits: r1 has ended, r2 goes on.
  static void Fill(SqliteStore& store) {
    auto commit = [&](std::vector<Record> records) {
      auto done = store.Commit(records);
      ASSERT_TRUE(done) << done.error().message;
    };
    commit({Applied(1, "projects: {}", {.added = {"a", "b"}, .changed = {}, .gone = {}, .removed = {}}, {"a", "b"})});
    commit({NewRun("r1", "q1"), Finished("r1", 0), Finished("r1", 1), Ended("r1")});
    commit({NewRun("r2", "q2", 40), AgentSeen{AgentId("a"), JournalId("j"), "x:1", 42, {{"os", "linux"}}}});
    for (TaskIndex task = 0; task < 20; ++task) commit({Finished("r2", task), Published("r2", task)});
    commit({Image("r2", 3, 1), Image("r2", 3, 2)});
    commit({Scheduled("b", 3), Scheduled("b", 5), Scheduled("c", 4), ScheduleDropped{"c"}, Ticked("b", 3),
            Paused{"b", "disk", "ann", WallFromMicros(1), WallFromMicros(9)},
            Paused{"", "", "bob", WallFromMicros(2), {}}});
    commit({AgentSeen{AgentId("a"), JournalId("j"), "x:1", 43, {{"os", "linux"}}}, Held("r1")});
    commit({Applied(2, "projects: {}\n", {.added = {}, .changed = {"a"}, .gone = {"b"}, .removed = {}}, {"a", "b"})});
  }

  static std::string Text(const TaskStatus& s) {
    return fmt::format("{} {} {} {} {} {} {} {} {}", ToString(s.state), s.outcome ? ToString(*s.outcome) : "",
                       s.attempt, s.agent.text(), s.exit ? ShellCode(*s.exit) : -1, s.reason, s.tries, s.losses,
                       s.log_bytes);
  }
  // All that a coordinator takes up, but for its own epoch.
  static std::string Text(const StoredState& state) {
    std::string text = fmt::format("{} {} {}\n", state.mesh.text(), state.commit, state.revision);
    for (const StoredRun& run : state.runs) {
      text += fmt::format("{} {} {} {}\n", run.header.id.text(), run.header.request.text(), run.header.author,
                          ToString(run.status.state));
      text += fmt::format("{} specs, {}\n", run.plan->specs.size(), run.plan->specs.at(0).name);
      for (const TaskStatus& task : run.tasks) text += Text(task) + "\n";
      for (const ArtifactsPublished& a : run.artifacts)
        text += fmt::format("{} {} {}\n", a.task, a.artifacts.at(0).name, a.artifacts.at(0).digest.sha256);
    }
    for (const StoredRun& run : state.runs)
      for (const ImageRan& image : run.images)
        text += fmt::format("{} {} {}\n", image.task, image.attempt, image.digest);
    for (const AgentSeen& a : state.agents)
      text += fmt::format("{} {} {} {}\n", a.agent.text(), a.address, a.applied_sequence, a.labels.size());
    for (const LaneHeld& held : state.held) text += fmt::format("{} {}\n", held.id.run.text(), held.lanes.size());
    for (const ScheduleSet& s : state.schedules)
      text += fmt::format("{} {} {} {}\n", s.project, s.ticks, Micros(s.handled), s.waiting ? Micros(*s.waiting) : 0);
    for (const Paused& p : state.pauses)
      text += fmt::format("{} {} {} {}\n", p.project, p.why, p.author, p.until ? Micros(*p.until) : 0);
    for (const StoredFile& f : state.files)
      text += fmt::format("{} {} {} {}\n", f.file, f.revision, f.text, f.projects.size());
    for (const StoredApply& a : state.applies) text += fmt::format("{} {}\n", a.request.text(), a.revision);
    return text;
  }

  std::string folder_;
  std::string path_;
  SeededRandom random_{1};
};

}  // namespace cromt
