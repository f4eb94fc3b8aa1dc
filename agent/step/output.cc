#include "agent/step/output.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>

namespace cromt::step {
namespace {

using seglog::Stream;

// False when the other side is gone.
bool WriteAll(int fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

template <class Function>
void EachLine(std::string_view text, Function&& function) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    function(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

void RecordOutput::Bytes(Stream stream, std::string_view data) {
  while (!data.empty() && pipe_) {
    const std::string_view part = data.substr(0, seglog::kMaxDataBytes);
    buffer_.clear();
    seglog::EncodeRecord(stream, part, buffer_);
    if (!WriteAll(pipe_.get(), buffer_)) pipe_.reset();
    data.remove_prefix(part.size());
  }
}

void RecordOutput::Put(const Mark& mark) {
  Bytes(Stream::kStep, Encode(mark));
}

void RecordOutput::Note(std::string_view text) {
  EachLine(text, [&](std::string_view line) { Bytes(Stream::kNote, std::string(line) + "\n"); });
}

void TextOutput::Line(std::string_view text) {
  std::string line = at_line_start_ ? "" : "\n";
  line += text;
  WriteAll(fd_, line += '\n');
  at_line_start_ = true;
}

void TextOutput::Bytes(Stream stream, std::string_view data) {
  if (data.empty()) return;
  if (in_task_ && stream != shown_) Line(stream == Stream::kStderr ? kStderrHeading : kStdoutHeading);
  shown_ = stream;
  WriteAll(fd_, data);
  at_line_start_ = data.back() == '\n';
}

void TextOutput::Put(const Mark& mark) {
  std::visit([this](const auto& m) { Show(m); }, mark);
}

void TextOutput::Show(const TaskBegan& mark) {
  if (!mark.quiet) Line(Heading(mark));
  if (!mark.quiet) Line(kStdoutHeading);
  Begin(mark.quiet);
}

void TextOutput::Show(const TaskEnded& mark) {
  for (const std::string& line : FailureLines(mark)) Line(line);
  in_task_ = false;
}

void TextOutput::Show(const SectionBegan& mark) {
  if (!mark.quiet) Line(Heading(mark));
  Begin(mark.quiet);
}

void TextOutput::Begin(bool quiet) {
  in_task_ = !quiet;
  shown_ = Stream::kStdout;
}

void TextOutput::Show(const OwnLine& mark) {
  Line(mark.text);
}

void TextOutput::Note(std::string_view text) {
  EachLine(text, [&](std::string_view line) { Line("cromt: " + std::string(line)); });
}

}  // namespace cromt::step
