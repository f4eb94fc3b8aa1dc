// What a run looks like at one moment, as lines for a terminal: its tasks in groups by instance, and a bar.
//
//     hello            3/10         12s  3 running, 1 failed
//       hostA          running       4s  compiling main.c
//       hostB          ready             hostB can't be reached: Connection refused
//     web on hostA     waiting           for hello
//     ███████░░░░░░░░░░░░░░  12/200 tasks, 2 failed, 14s
//
// Groups that have nothing to do any more or yet, and tasks beyond what fits, are left out and counted. Made from what
// watchers and readers are told. Pure: time and size are parameters. Not thread-safe. Memory: some 100 bytes a task,
// and a line for each that runs.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/last_line.h"
#include "cli/palette.h"
#include "cli/terminal_size.h"
#include "core/control.h"

namespace cromt::cli {

class RunBoard {
 public:
  struct Look {
    Palette palette{false};
    bool utf8 = true;
  };

  // The first update holds everything.
  void Learn(const RunUpdate& update);
  void Heard(const LogPiece& piece);
  bool begun() const { return !groups_.empty(); }

  // At most `most` lines, each shorter than `size.columns`; none where that is too small for anything.
  std::vector<std::string> Lines(Wall now, const TerminalSize& size, size_t most, const Look& look) const;

 private:
  struct Task {
    InstanceIndex group = 0;
    TaskState state = TaskState::kWaiting;
    std::optional<TaskOutcome> outcome;
    bool ignored = false;
    uint32_t attempt = 0;
    std::optional<Wall> started_at;
    std::string host, reason;  // clean
  };
  struct Group {
    std::string project, name;  // clean; the name is that of its first task
    std::vector<InstanceIndex> needs;
    std::vector<TaskIndex> tasks;
    size_t ended = 0, failed = 0, running = 0, skipped = 0;
    std::optional<Wall> started_at, ended_at;
    std::set<TaskIndex> busy;  // those worth a line
  };
  // Text before it is cut to columns: `left` stands in front, `rest` takes what is left.
  struct Row {
    std::string left, state, elapsed, rest;
  };

  // Of the columns before `rest`, as the rows at hand need them.
  struct Widths {
    size_t left = 0, state = 0, elapsed = 0;
  };

  void Introduce(const RunView& run, const std::vector<TaskView>& tasks);
  void Change(TaskIndex index, const TaskStatus& status);
  void Count(const Task& task, TaskIndex index, bool in);
  std::vector<InstanceIndex> Chosen(size_t most) const;
  std::vector<Row> Rows(Wall now, size_t most) const;
  Row GroupRow(const Group& group, Wall now) const;
  Row TaskRow(TaskIndex index, std::string left, Wall now) const;
  std::string WaitsFor(const Group& group) const;
  static std::string LineOf(const Row& row, const Widths& widths, size_t columns, const Look& look);
  std::string Bar(Wall now, size_t columns, const Look& look) const;

  std::vector<Task> tasks_;
  std::vector<Group> groups_;
  std::unordered_map<TaskIndex, LastLine> last_lines_;  // of tasks that have not ended
  std::optional<Wall> started_at_;
  std::string fetching_;  // why it has not begun; clean
};

}  // namespace cromt::cli
