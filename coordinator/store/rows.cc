#include "coordinator/store/rows.h"

#include <fmt/format.h>

#include "cromt/v1/types.pb.h"
#include "io/wire/plan.h"

namespace cromt {
namespace {

std::optional<Wall> Time(const sqlite::Statement& row, int column) {
  auto us = row.OptionalInt(column);
  return us ? std::optional(WallFromMicros(*us)) : std::nullopt;
}

tl::unexpected<Error> Corrupt(std::string_view what, std::string_view word) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("the store holds {} '{}', which no version of cromt writes", what, word));
}

}  // namespace

Result<RunRow> ReadRun(const sqlite::Statement& row) {
  RunRow run;
  run.n = row.Int(0);
  run.header.id = RunId(std::string(row.Text(1)));
  run.header.request = RequestId(std::string(row.Text(2)));
  run.header.project = row.Text(3);
  auto trigger = TriggerFrom(row.Text(4));
  if (!trigger) return Corrupt("the trigger", row.Text(4));
  run.header.trigger = *trigger;
  run.header.revision = static_cast<uint64_t>(row.Int(5));
  run.header.author = row.Text(6);
  run.header.created_at = WallFromMicros(row.Int(7));
  auto state = RunStateFrom(row.Text(8));
  if (!state) return Corrupt("the run state", row.Text(8));
  run.status.state = *state;
  if (!row.IsNull(9)) {
    run.status.outcome = RunOutcomeFrom(row.Text(9));
    if (!run.status.outcome) return Corrupt("the run outcome", row.Text(9));
  }
  run.status.reason = row.Text(10);
  const int64_t cancel = row.Int(11);
  if (cancel < 0 || cancel > static_cast<int64_t>(CancelWish::kAll))
    return Corrupt("the cancel", std::to_string(cancel));
  run.status.cancel = static_cast<CancelWish>(cancel);
  run.status.started_at = Time(row, 12);
  run.status.finished_at = Time(row, 13);
  return run;
}

Result<std::pair<TaskIndex, TaskStatus>> ReadTask(const sqlite::Statement& row) {
  TaskStatus task;
  auto state = TaskStateFrom(row.Text(1));
  if (!state) return Corrupt("the task state", row.Text(1));
  task.state = *state;
  if (!row.IsNull(2)) {
    task.outcome = TaskOutcomeFrom(row.Text(2));
    if (!task.outcome) return Corrupt("the task outcome", row.Text(2));
  }
  task.attempt = static_cast<uint32_t>(row.Int(3));
  task.agent = AgentId(std::string(row.Text(4)));
  task.journal = JournalId(std::string(row.Text(5)));
  if (!row.IsNull(6)) task.exit = Exited{static_cast<int>(row.Int(6))};
  if (!row.IsNull(7)) task.exit = Signaled{static_cast<int>(row.Int(7))};
  task.reason = row.Text(8);
  task.stop_wanted = row.Int(9) != 0;
  task.queued_at = Time(row, 10);
  task.started_at = Time(row, 11);
  task.finished_at = Time(row, 12);
  task.log_bytes = row.Int(13);
  task.tries = static_cast<uint32_t>(row.Int(14));
  task.retry_at = Time(row, 15);
  task.ignored = row.Int(16) != 0;
  return std::pair(static_cast<TaskIndex>(row.Int(0)), std::move(task));
}

Result<std::vector<ArtifactsPublished>> ReadArtifacts(sqlite::Database& db, int64_t n, const RunId& run) {
  CROMT_ASSIGN(auto query, db.Prepare("SELECT task, attempt, agent, name, sha256, size_bytes, archive, ticket FROM "
                                      "artifacts WHERE run = ? ORDER BY task, name"));
  query.Bind(1, n);
  std::vector<ArtifactsPublished> all;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) return all;
    auto task = static_cast<TaskIndex>(query.Int(0));
    if (all.empty() || all.back().task != task)
      all.push_back({run, task, static_cast<uint32_t>(query.Int(1)), AgentId(std::string(query.Text(2))), {}});
    all.back().artifacts.push_back({std::string(query.Text(3)),
                                    {std::string(query.Text(4)), query.Int(5)},
                                    query.Int(6) != 0,
                                    std::string(query.Text(7))});
  }
}

Result<std::shared_ptr<const Plan>> ReadPlan(sqlite::Database& db, int64_t n) {
  CROMT_ASSIGN(auto query, db.Prepare("SELECT plan FROM plans WHERE run = ?"));
  CROMT_ASSIGN(bool found, query.Bind(1, n).Step());
  v1::Plan message;
  std::string_view bytes = found ? query.Blob(0) : std::string_view();
  if (!found || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kCorrupt, fmt::format("the plan of run number {} is missing or broken", n));
  CROMT_ASSIGN(Plan plan, wire::FromProto(message));
  return std::make_shared<const Plan>(std::move(plan));
}

}  // namespace cromt
