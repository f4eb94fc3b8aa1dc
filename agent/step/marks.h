// Marks: what cromt-step says of a Sparrow task between the bytes that the task prints. They travel on a stream
// of their own (seglog::Stream::kStep), so nothing that a task prints can pass for one.
//
//   mark  = line '\n'             one line, at most kMaxMarkBytes
//   line  = ["quiet "] "task-begin " title   "task.bash - tasks/hello"; quiet: no headings
//         | ["quiet "] "section " title      a heading, below which stdout goes on: "hook stdout"
//         | what "-end exit " code " " name       what: task or hook; name: the task's path as the scenario
//         | what "-end signal " number " " name   writes it
//         | "line " text                     a line of cromt-step's own, without a time
//
// Titles, names and texts are for display: control characters and broken UTF-8 are replaced when a mark is written.
// A reader skips lines that it doesn't know, so kinds may be added.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cromt::step {

inline constexpr size_t kMaxMarkBytes = 4096;

struct TaskBegan {
  std::string title;
  bool quiet = false;
  friend bool operator==(const TaskBegan&, const TaskBegan&) = default;
};

struct TaskEnded {
  std::string name;
  int exit_code = 0;
  int signal = 0;  // not 0: killed by it, and exit_code says nothing
  bool is_hook = false;
  friend bool operator==(const TaskEnded&, const TaskEnded&) = default;
};

struct SectionBegan {
  std::string title;
  bool quiet = false;
  friend bool operator==(const SectionBegan&, const SectionBegan&) = default;
};

struct OwnLine {
  std::string text;
  friend bool operator==(const OwnLine&, const OwnLine&) = default;
};

using Mark = std::variant<TaskBegan, TaskEnded, SectionBegan, OwnLine>;

// The line of a mark, with its newline.
std::string Encode(const Mark& mark);

// `line` without its newline; nullopt for one that is unknown or broken.
std::optional<Mark> DecodeMark(std::string_view line);

// `text` as a title: control characters and broken UTF-8 become U+FFFD, cut at base's kMaxTitleBytes; never empty.
std::string TitleFrom(std::string_view text);

// The words people read, the same wherever a task is shown.
inline constexpr std::string_view kStdoutHeading = "[task stdout]";
inline constexpr std::string_view kStderrHeading = "[task stderr]";
std::string Heading(const TaskBegan& mark);                    // "[task run: task.bash - tasks/hello]"
std::string Heading(const SectionBegan& mark);                 // "[hook stdout]"
std::vector<std::string> FailureLines(const TaskEnded& mark);  // none for a task that succeeded

}  // namespace cromt::step
