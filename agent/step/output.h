// Where what a job prints and what cromt-step says of it goes. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "agent/step/marks.h"
#include "base/unique_fd.h"
#include "io/seglog/frame.h"

namespace cromt::step {

class Output {
 public:
  virtual ~Output() = default;
  // Bytes of the job, kStdout or kStderr.
  virtual void Bytes(seglog::Stream stream, std::string_view data) = 0;
  virtual void Put(const Mark& mark) = 0;
  // What cromt itself has to say, in one line or several.
  virtual void Note(std::string_view text) = 0;
};

// As records (io/seglog/frame.h) to the launcher. Blocks while it doesn't read. When it is gone, output is dropped:
// the agent then stops the job.
class RecordOutput final : public Output {
 public:
  explicit RecordOutput(UniqueFd pipe) : pipe_(std::move(pipe)) {}
  void Bytes(seglog::Stream stream, std::string_view data) override;
  void Put(const Mark& mark) override;
  void Note(std::string_view text) override;

 private:
  UniqueFd pipe_;
  std::string buffer_;
};

// As text on a descriptor it doesn't own, for somebody who runs cromt-step by hand: headings and the bytes as they
// come, without times. Those who follow a run see cli/task_text.
class TextOutput final : public Output {
 public:
  explicit TextOutput(int fd) : fd_(fd) {}
  void Bytes(seglog::Stream stream, std::string_view data) override;
  void Put(const Mark& mark) override;
  void Note(std::string_view text) override;

 private:
  void Line(std::string_view text);
  void Show(const TaskBegan& mark);
  void Show(const TaskEnded& mark);
  void Show(const SectionBegan& mark);
  void Show(const OwnLine& mark);
  void Begin(bool quiet);

  int fd_;
  bool in_task_ = false;
  bool at_line_start_ = true;
  seglog::Stream shown_ = seglog::Stream::kStdout;
};

}  // namespace cromt::step
