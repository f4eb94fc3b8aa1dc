// A coordinator's store with many finished runs of one short task, written as a coordinator writes them but unsynced:
// for measuring what history costs.
//
//   many_runs DIR COUNT      makes DIR/store.db
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "coordinator/store/sqlite_store.h"
#include "core/planner.h"
#include "io/config/job_reader.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

constexpr size_t kRunsPerCommit = 5'000;
constexpr int kProjects = 20;

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "many_runs: {}\n", why);
  std::exit(1);
}

template <class T>
T Value(Result<T> result) {
  if (!result) Die(result.error().message);
  return std::move(*result);
}

std::shared_ptr<const Plan> PlanOfOneTask() {
  JobFileReading reading = ReadJobFile("projects: {p: {run: /bin/true}}\n", "jobs.yaml");
  if (!reading.file) Die("the job file is wrong");
  return std::make_shared<const Plan>(Value(PlanRun(*reading.file, "p", {}, {{}, "127.0.0.1:4000", {}})));
}

// The life of one run, a second long; the runs follow each other.
void AddRun(uint64_t number, const std::shared_ptr<const Plan>& plan, std::vector<Record>& records) {
  const Wall begin = WallFromMicros(1'700'000'000'000'000 + static_cast<int64_t>(number) * 1'000'000);
  const Wall end = begin + milliseconds(900);
  SeededRandom random(number + 1);
  const RunId id(RandomName(random));
  records.emplace_back(RunCreated{{.id = id,
                                   .request = RequestId(RandomName(random)),
                                   .project = fmt::format("p{}", number % kProjects),
                                   .revision = 1,
                                   .author = "somebody",
                                   .created_at = begin},
                                  plan});
  RunStatus run{.state = RunState::kRunning, .started_at = begin};
  records.emplace_back(RunChanged{id, run});
  TaskStatus task{
      .state = TaskState::kLeased, .attempt = 1, .agent = AgentId("agent"), .journal = JournalId("journal")};
  task.queued_at = begin;
  records.emplace_back(TaskChanged{id, 0, task});
  task.state = TaskState::kFinished;
  task.outcome = TaskOutcome::kSucceeded;
  task.exit = Exited{0};
  task.started_at = begin;
  task.finished_at = end;
  records.emplace_back(TaskChanged{id, 0, task});
  run.state = RunState::kFinished;
  run.outcome = RunOutcome::kSucceeded;
  run.finished_at = end;
  records.emplace_back(RunChanged{id, run});
}

int Main(const std::string& dir, std::string_view count_text) {
  uint64_t count = 0;
  const auto [last, error] = std::from_chars(count_text.data(), count_text.data() + count_text.size(), count);
  if (error != std::errc() || last != count_text.data() + count_text.size()) Die("COUNT is a number");
  if (auto made = MakeDirs(dir); !made) Die(made.error().message);
  SystemRandom random;
  auto store = Value(SqliteStore::Open(dir + "/store.db", random, Durability::kProcess));
  Value(store->Load());  // as a coordinator begins; before it nothing can be committed
  const auto plan = PlanOfOneTask();
  std::vector<Record> records;
  for (uint64_t number = 0; number < count; ++number) {
    AddRun(number, plan, records);
    if (number % kRunsPerCommit != kRunsPerCommit - 1 && number + 1 != count) continue;
    Value(store->Commit(records));
    records.clear();
  }
  return 0;
}

}  // namespace
}  // namespace cromt

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: many_runs DIR COUNT\n", stderr);
    return 2;
  }
  return cromt::Main(argv[1], argv[2]);
}
