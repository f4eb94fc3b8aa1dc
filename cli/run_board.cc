#include "cli/run_board.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/clean_text.h"
#include "cli/screen_text.h"
#include "io/seglog/frame.h"

namespace cromt::cli {
namespace {

constexpr size_t kFewestColumns = 20;
constexpr size_t kFewestRestColumns = 6;

// "4s", "3m05s", "2h03m": whole seconds, for a clock that is looked at while it runs.
std::string Elapsed(std::optional<Wall> from, Wall to) {
  if (!from) return "";
  const int64_t s = std::max<int64_t>(std::chrono::duration_cast<seconds>(to - *from).count(), 0);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
}

bool IsBusy(TaskState state) {
  return state != TaskState::kWaiting && state != TaskState::kReady && state != TaskState::kLeased &&
         state != TaskState::kFinished;
}

}  // namespace

// ---- What is told -----------------------------------------------------------------------------

void RunBoard::Learn(const RunUpdate& update) {
  if (update.run) {
    started_at_ = update.run->status.started_at;
    fetching_ = update.run->status.state == RunState::kQueued ? Clean(update.run->status.reason) : "";
  }
  if (!begun() && update.run) Introduce(*update.run, update.tasks);
  for (const TaskView& task : update.tasks)
    if (task.index < tasks_.size()) Change(task.index, task.status);
}

void RunBoard::Introduce(const RunView& run, const std::vector<TaskView>& tasks) {
  for (const InstanceView& instance : run.instances)
    groups_.push_back({.project = Clean(instance.project), .needs = instance.needs});
  tasks_.resize(tasks.size());
  for (const TaskView& task : tasks) {
    if (task.index >= tasks_.size()) continue;
    if (task.instance >= groups_.size()) groups_.resize(task.instance + 1);
    Task& mine = tasks_[task.index];
    mine.group = task.instance;
    mine.host = Clean(task.host);
    Group& group = groups_[task.instance];
    if (group.tasks.empty()) group.name = Clean(task.name);
    group.tasks.push_back(task.index);
  }
}

void RunBoard::Change(TaskIndex index, const TaskStatus& status) {
  Task& task = tasks_[index];
  Count(task, index, false);
  task.state = status.state;
  task.outcome = status.outcome;
  task.ignored = status.ignored;
  task.attempt = status.attempt;
  task.started_at = status.started_at;
  task.reason = Clean(status.reason);
  Count(task, index, true);
  Group& group = groups_[task.group];
  if (status.started_at && (!group.started_at || *status.started_at < *group.started_at))
    group.started_at = status.started_at;
  if (status.finished_at && (!group.ended_at || *status.finished_at > *group.ended_at))
    group.ended_at = status.finished_at;
  if (task.state == TaskState::kFinished) last_lines_.erase(index);
}

// Takes the task into its group's numbers, or out of them.
void RunBoard::Count(const Task& task, TaskIndex index, bool in) {
  Group& group = groups_[task.group];
  const size_t one = in ? 1 : SIZE_MAX;  // wraps: minus one
  if (task.state == TaskState::kFinished) {
    group.ended += one;
    if (task.outcome && IsFailure(*task.outcome) && !task.ignored) group.failed += one;
    if (task.outcome == TaskOutcome::kSkipped) group.skipped += one;
  }
  if (IsBusy(task.state)) group.running += one;
  const bool shown = IsBusy(task.state) || (task.state != TaskState::kFinished && !task.reason.empty());
  if (in && shown)
    group.busy.insert(index);
  else
    group.busy.erase(index);
}

void RunBoard::Heard(const LogPiece& piece) {
  const auto stream = static_cast<seglog::Stream>(piece.stream);
  if (stream != seglog::Stream::kStdout && stream != seglog::Stream::kStderr) return;
  if (piece.task >= tasks_.size() || tasks_[piece.task].state == TaskState::kFinished) return;
  last_lines_[piece.task].Add(piece.attempt, piece.offset, piece.data);
}

// ---- How it looks -----------------------------------------------------------------------------

std::string RunBoard::WaitsFor(const Group& group) const {
  std::vector<std::string_view> names;
  for (InstanceIndex need : group.needs)
    if (need < groups_.size() && groups_[need].ended < groups_[need].tasks.size())
      names.push_back(groups_[need].project);
  if (names.empty()) return "";
  return fmt::format("for {}{}", names[0], names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "");
}

RunBoard::Row RunBoard::TaskRow(TaskIndex index, std::string left, Wall now) const {
  const Task& task = tasks_[index];
  Row row{std::move(left), std::string(task.outcome ? ToString(*task.outcome) : ToString(task.state)), "", ""};
  if (task.ignored) row.state += " (ignored)";
  if (IsBusy(task.state)) row.elapsed = Elapsed(task.started_at, now);
  if (!task.reason.empty()) {
    row.rest = task.reason;
  } else if (const auto found = last_lines_.find(index); found != last_lines_.end()) {
    row.rest = Plain(found->second.text());
  }
  return row;
}

RunBoard::Row RunBoard::GroupRow(const Group& group, Wall now) const {
  if (group.tasks.size() == 1) {
    const TaskIndex only = group.tasks[0];
    Row row = TaskRow(only, fmt::format("{} on {}", group.name, tasks_[only].host), now);
    if (tasks_[only].state == TaskState::kFinished)
      row.elapsed = Elapsed(group.started_at, group.ended_at.value_or(now));
    if (tasks_[only].state == TaskState::kWaiting && row.rest.empty()) row.rest = WaitsFor(group);
    return row;
  }
  const bool done = group.ended == group.tasks.size();
  Row row{group.project, fmt::format("{}/{}", group.ended, group.tasks.size()), "", ""};
  row.elapsed = Elapsed(group.started_at, done ? group.ended_at.value_or(now) : now);
  auto add = [&](size_t number, std::string_view what) {
    if (number > 0) row.rest += fmt::format("{}{} {}", row.rest.empty() ? "" : ", ", number, what);
  };
  add(group.running, "running");
  add(group.failed, "failed");
  add(group.skipped, "skipped");
  if (row.rest.empty() && done) row.rest = "done";
  if (row.rest.empty() && !group.started_at) row.rest = WaitsFor(group).empty() ? "" : "waits " + WaitsFor(group);
  return row;
}

// The groups that get a line, at most so many, in their order: first those in which something happens, then those that
// are still to come, then those that have ended.
std::vector<InstanceIndex> RunBoard::Chosen(size_t most) const {
  std::vector<InstanceIndex> chosen;
  auto take = [&](auto wanted) {
    for (InstanceIndex i = 0; i < groups_.size() && chosen.size() < most; ++i)
      if (!groups_[i].tasks.empty() && wanted(groups_[i])) chosen.push_back(i);
  };
  auto active = [](const Group& group) {
    return !group.busy.empty() || (group.started_at && group.ended < group.tasks.size());
  };
  auto ended = [](const Group& group) { return group.ended == group.tasks.size(); };
  take(active);
  take([&](const Group& group) { return !active(group) && !ended(group); });
  take([&](const Group& group) { return !active(group) && ended(group); });
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<RunBoard::Row> RunBoard::Rows(Wall now, size_t most) const {
  const auto all = static_cast<size_t>(
      std::count_if(groups_.begin(), groups_.end(), [](const Group& group) { return !group.tasks.empty(); }));
  // A line says how many are left out.
  std::vector<InstanceIndex> chosen = Chosen(all > most ? most - 1 : most);
  std::vector<size_t> given(chosen.size(), 0);  // lines for the tasks of each
  size_t left = most - std::min(most, chosen.size() + (chosen.size() < all ? 1 : 0));
  for (bool some = true; some && left > 0;) {
    some = false;
    for (size_t i = 0; i < chosen.size() && left > 0; ++i) {
      const Group& group = groups_[chosen[i]];
      if (group.tasks.size() == 1 || given[i] >= group.busy.size()) continue;
      ++given[i];
      --left;
      some = true;
    }
  }
  std::vector<Row> rows;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const Group& group = groups_[chosen[i]];
    rows.push_back(GroupRow(group, now));
    auto task = group.busy.begin();
    for (size_t n = 0; n < given[i]; ++n, ++task) rows.push_back(TaskRow(*task, "  " + tasks_[*task].host, now));
  }
  if (chosen.size() < all) rows.push_back({fmt::format("and {} more", all - chosen.size()), "", "", ""});
  return rows;
}

std::string RunBoard::Bar(Wall now, size_t columns, const Look& look) const {
  size_t ended = 0, failed = 0;
  for (const Group& group : groups_) {
    ended += group.ended;
    failed += group.failed;
  }
  const size_t all = std::max<size_t>(tasks_.size(), 1);
  const size_t width = std::min<size_t>(columns / 3, 30);
  const size_t full = width * ended / all;
  std::string text = fmt::format("  {}/{} task{}", ended, tasks_.size(), tasks_.size() == 1 ? "" : "s");
  if (failed > 0) text += fmt::format(", {} failed", failed);
  if (const std::string elapsed = Elapsed(started_at_, now); !elapsed.empty()) text += ", " + elapsed;
  if (!fetching_.empty()) text += ", " + fetching_;
  std::string done, open;
  for (size_t i = 0; i < width; ++i)
    (i < full ? done : open) += look.utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "-");
  done = failed > 0 ? look.palette.Bad(done) : look.palette.Good(done);
  return done + look.palette.Dim(open) + Fit(text, columns - width, look.utf8 ? "…" : "...");
}

std::string RunBoard::LineOf(const Row& row, const Widths& widths, size_t columns, const Look& look) {
  const std::string_view more = look.utf8 ? "…" : "...";
  const size_t front = widths.left + 2 + widths.state + 2 + widths.elapsed + 2;
  if (columns + 2 < front) return Fit(row.left + "  " + row.state, columns, more);
  std::string line = Pad(row.left, widths.left, more);
  if (row.state.empty() && row.elapsed.empty() && row.rest.empty()) return line;
  line += "  " + look.palette.Word(row.state);
  if (row.elapsed.empty() && row.rest.empty()) return line;
  // The word first, then the blanks: these are not coloured.
  line.append(widths.state - Columns(row.state) + 2, ' ');
  line += fmt::format("{:>{}}", row.elapsed, widths.elapsed);
  if (!row.rest.empty() && columns >= front + kFewestRestColumns)
    line += "  " + look.palette.Dim(Fit(row.rest, columns - front, more));
  return line;
}

std::vector<std::string> RunBoard::Lines(Wall now, const TerminalSize& size, size_t most, const Look& look) const {
  std::vector<std::string> lines;
  if (size.columns < kFewestColumns || most < 2 || !begun()) return lines;
  const size_t columns = size.columns - 1;  // in the last one a terminal may begin a new line
  std::vector<Row> rows = Rows(now, most - 1);
  Widths widths{.left = 8, .state = 7, .elapsed = 3};
  for (Row& row : rows) {
    if (!look.utf8) {
      row.left = Ascii(row.left);
      row.rest = Ascii(row.rest);
    }
    widths.left = std::max(widths.left, Columns(row.left));
    widths.state = std::max(widths.state, Columns(row.state));
    widths.elapsed = std::max(widths.elapsed, Columns(row.elapsed));
  }
  widths.left = std::min(widths.left, std::max<size_t>(columns / 3, 8));
  for (const Row& row : rows) lines.push_back(LineOf(row, widths, columns, look));
  lines.push_back(Bar(now, columns, look));
  return lines;
}

}  // namespace cromt::cli
