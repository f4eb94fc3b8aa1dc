// The text people see of one attempt, made from its frames. For a Sparrow task (an attempt with marks):
//
//     [task run: task.bash - tasks/hello]
//     [task stdout]
//     18:34:31 :: Hello worker  A!
//     [task stderr]
//     18:34:31 :: a warning
//     18:34:31 :: task exit status: 7
//     18:34:31 :: task tasks/hello FAILED
//
// What is printed outside of a task, and all of an attempt without marks, comes line by line as it is. Notes are lines
// "cromt: …". Times are those of a line's first byte in the viewer's time zone.
//
// kLive shows lines as they come, with a heading whenever the stream changes. kFinished shows a task's stdout, then its
// stderr, as the original does; of stderr at most kMaxHeldStderrBytes wait, then they are shown
// where they are.
// A line is held until its newline, or until it has kMaxHeldLineBytes: then it is shown in pieces.
//
// For a terminal, all but colours is neutralised (terminal_safe.h); else bytes stay as they are.
// Not thread-safe. Memory is bounded by the two limits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/step/marks.h"
#include "io/seglog/frame.h"

namespace cromt::cli {

class TaskText {
 public:
  enum class Mode { kLive, kFinished };
  struct Options {
    Mode mode = Mode::kLive;
    bool terminal = false;
  };

  static constexpr size_t kMaxHeldLineBytes = 64 << 10;
  static constexpr size_t kMaxHeldStderrBytes = 16 << 20;

  explicit TaskText(Options options) : options_(options) {}

  // The next frame of the attempt. All three append what can be shown to `out`.
  void Add(seglog::Stream stream, int64_t wall_us, std::string_view data, std::string& out);
  // Shows what unfinished lines hold so far (a prompt, a progress bar). Nothing in kFinished.
  void Flush(std::string& out);
  // No more frames come: shows all that is held and ends the last line.
  void End(std::string& out);

 private:
  // A line of one stream that has no newline yet.
  struct Partial {
    std::string text;
    int64_t wall_us = 0;  // of its first byte
    std::string colours;  // in force, for a terminal
  };
  // Where text is written to, and whose unfinished line stands at its end.
  struct Sheet {
    std::string& text;
    std::optional<seglog::Stream>& open;
  };

  void AddLines(seglog::Stream stream, int64_t wall_us, std::string_view data, std::string& out);
  void OnLine(seglog::Stream stream, int64_t wall_us, std::string_view line, std::string& out);
  void OnMark(const step::Mark& mark, int64_t wall_us, std::string& out);
  void BeginSection(bool quiet);
  void ShowPiece(seglog::Stream stream, std::string& out);
  void Show(seglog::Stream stream, int64_t wall_us, std::string_view text, bool ended, std::string& out);
  void ShowOwnLine(std::string_view text, std::string& out);
  void CloseTask(std::string& out);
  void ShowHeldStderr(std::string& out);
  static void CloseLine(Sheet sheet);
  Partial& PartialOf(seglog::Stream stream) { return partials_[static_cast<size_t>(stream)]; }

  const Options options_;
  std::array<Partial, 5> partials_;  // by stream
  bool in_task_ = false;
  bool quiet_ = false;                              // no headings in it
  seglog::Stream shown_ = seglog::Stream::kStdout;  // whose heading was shown last in this task
  std::optional<seglog::Stream> open_;              // stream of the unfinished line at the end of what was shown
  std::string held_stderr_;                         // kFinished: rendered, without heading
  std::optional<seglog::Stream> held_open_;
};

}  // namespace cromt::cli
