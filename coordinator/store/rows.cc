#include "coordinator/store/rows.h"

#include <fmt/format.h>

#include "coordinator/store/row_sum.h"
#include "cromt/v1/types.pb.h"
#include "io/wire/plan.h"

namespace cromt {
namespace {

std::optional<Wall> Time(const sqlite::Statement& row, int column) {
  auto us = row.OptionalInt(column);
  return us ? std::optional(WallFromMicros(*us)) : std::nullopt;
}

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, what + " is not what was written");
}

tl::unexpected<Error> Corrupt(std::string_view what, std::string_view word) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("the store holds {} '{}', which no version of cromt writes", what, word));
}

}  // namespace

Result<RunRow> ReadRun(const sqlite::Statement& row) {
  RunRow run;
  run.n = row.Int(0);
  if (!SumHolds(RowKind::kRunHead, row, 0, 9) || !SumHolds(RowKind::kRunStatus, row, 9, 9))
    return Damaged(fmt::format("the row of run {} (number {})", row.Text(1), run.n));
  run.header.id = RunId(std::string(row.Text(1)));
  run.header.request = RequestId(std::string(row.Text(2)));
  run.header.project = row.Text(3);
  auto trigger = TriggerFrom(row.Text(4));
  if (!trigger) return Corrupt("the trigger", row.Text(4));
  run.header.trigger = *trigger;
  run.header.revision = static_cast<uint64_t>(row.Int(5));
  run.header.author = row.Text(6);
  run.header.created_at = WallFromMicros(row.Int(7));
  run.head_sum = static_cast<uint32_t>(row.Int(8));
  auto state = RunStateFrom(row.Text(10));
  if (!state) return Corrupt("the run state", row.Text(10));
  run.status.state = *state;
  if (!row.IsNull(11)) {
    run.status.outcome = RunOutcomeFrom(row.Text(11));
    if (!run.status.outcome) return Corrupt("the run outcome", row.Text(11));
  }
  run.status.reason = row.Text(12);
  const int64_t cancel = row.Int(13);
  if (cancel < 0 || cancel > static_cast<int64_t>(CancelWish::kAll))
    return Corrupt("the cancel", std::to_string(cancel));
  run.status.cancel = static_cast<CancelWish>(cancel);
  run.status.timed_out = row.Int(14) != 0;
  run.status.started_at = Time(row, 15);
  run.status.finished_at = Time(row, 16);
  run.sum = static_cast<uint32_t>(row.Int(17));
  return run;
}

Result<std::pair<TaskIndex, TaskStatus>> ReadTask(const sqlite::Statement& row) {
  if (!SumHolds(RowKind::kTask, row, 0, 20))
    return Damaged(fmt::format("the row of task {} of run number {}", row.Int(1) + 1, row.Int(0)));
  TaskStatus task;
  auto state = TaskStateFrom(row.Text(2));
  if (!state) return Corrupt("the task state", row.Text(2));
  task.state = *state;
  if (!row.IsNull(3)) {
    task.outcome = TaskOutcomeFrom(row.Text(3));
    if (!task.outcome) return Corrupt("the task outcome", row.Text(3));
  }
  task.attempt = static_cast<uint32_t>(row.Int(4));
  task.agent = AgentId(std::string(row.Text(5)));
  task.journal = JournalId(std::string(row.Text(6)));
  if (!row.IsNull(7)) task.exit = Exited{static_cast<int>(row.Int(7))};
  if (!row.IsNull(8)) task.exit = Signaled{static_cast<int>(row.Int(8))};
  task.reason = row.Text(9);
  task.stop_wanted = row.Int(10) != 0;
  task.queued_at = Time(row, 11);
  task.started_at = Time(row, 12);
  task.finished_at = Time(row, 13);
  task.log_bytes = row.Int(14);
  task.tries = static_cast<uint32_t>(row.Int(15));
  task.retry_at = Time(row, 16);
  task.ignored = row.Int(17) != 0;
  task.losses = static_cast<uint32_t>(row.Int(18));
  return std::pair(static_cast<TaskIndex>(row.Int(1)), std::move(task));
}

Result<std::vector<ArtifactsPublished>> ReadArtifacts(sqlite::Database& db, int64_t n, const RunId& run,
                                                      ArtifactSums* sums) {
  CROMT_ASSIGN(auto query,
               db.Prepare("SELECT run, task, name, attempt, agent, sha256, size_bytes, archive, ticket, sum "
                          "FROM artifacts WHERE run = ? ORDER BY task, name"));
  query.Bind(1, n);
  std::vector<ArtifactsPublished> all;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) return all;
    auto task = static_cast<TaskIndex>(query.Int(1));
    std::string name(query.Text(2));
    if (!SumHolds(RowKind::kArtifact, query, 0, 10))
      return Damaged(fmt::format("the row of artifact '{}' of run {}", name, run.text()));
    if (sums) sums->emplace(std::pair(task, name), static_cast<uint32_t>(query.Int(9)));
    if (all.empty() || all.back().task != task)
      all.push_back({run, task, static_cast<uint32_t>(query.Int(3)), AgentId(std::string(query.Text(4))), {}});
    all.back().artifacts.push_back(
        {std::move(name), {std::string(query.Text(5)), query.Int(6)}, query.Int(7) != 0, std::string(query.Text(8))});
  }
}

namespace {

Result<ImageRan> ReadImage(const sqlite::Statement& row, const RunId& run) {
  const auto task = static_cast<TaskIndex>(row.Int(1));
  if (!SumHolds(RowKind::kImage, row, 0, 5))
    return Damaged(fmt::format("the row of the image of task {} of run number {}", task + 1, row.Int(0)));
  return ImageRan{run, task, static_cast<uint32_t>(row.Int(2)), std::string(row.Text(3))};
}

}  // namespace

Result<std::vector<ImageRan>> ReadImages(sqlite::Database& db, int64_t n, const RunId& run, ImageSums* sums) {
  CROMT_ASSIGN(auto query, db.Prepare("SELECT run, task, attempt, digest, sum FROM images WHERE run = ? "
                                      "ORDER BY task, attempt"));
  query.Bind(1, n);
  std::vector<ImageRan> all;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) return all;
    CROMT_ASSIGN(ImageRan image, ReadImage(query, run));
    if (sums) sums->emplace(std::pair(image.task, image.attempt), static_cast<uint32_t>(query.Int(4)));
    all.push_back(std::move(image));
  }
}

Result<std::string> ReadImage(sqlite::Database& db, int64_t n, TaskIndex task, uint32_t attempt) {
  CROMT_ASSIGN(auto query, db.Prepare("SELECT run, task, attempt, digest, sum FROM images WHERE run = ? AND task = ? "
                                      "AND attempt = ?"));
  CROMT_ASSIGN(bool row, query.Bind(1, n).Bind(2, int64_t{task}).Bind(3, int64_t{attempt}).Step());
  if (!row) return std::string();
  CROMT_ASSIGN(ImageRan image, ReadImage(query, RunId()));
  return std::move(image.digest);
}

Result<std::shared_ptr<const Plan>> ReadPlan(sqlite::Database& db, int64_t n, uint32_t* sum) {
  CROMT_ASSIGN(auto query, db.Prepare("SELECT run, plan, sum FROM plans WHERE run = ?"));
  CROMT_ASSIGN(bool found, query.Bind(1, n).Step());
  v1::Plan message;
  std::string_view bytes = found ? query.Blob(1) : std::string_view();
  if (!found || !SumHolds(RowKind::kPlan, query, 0, 3) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kCorrupt, fmt::format("the plan of run number {} is missing or not what was written", n));
  if (sum) *sum = static_cast<uint32_t>(query.Int(2));
  CROMT_ASSIGN(Plan plan, wire::FromProto(message));
  return std::make_shared<const Plan>(std::move(plan));
}

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += name + '=' + value + '\n';
  return text;
}

std::map<std::string, std::string> LabelsFrom(std::string_view text) {
  std::map<std::string, std::string> labels;
  for (const std::string& line : LinesFrom(text)) {
    const size_t equals = line.find('=');
    if (equals != line.npos) labels.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return labels;
}

std::string LinesText(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::vector<std::string> LinesFrom(std::string_view text) {
  std::vector<std::string> lines;
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace cromt
