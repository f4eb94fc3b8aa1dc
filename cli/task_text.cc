#include "cli/task_text.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "cli/terminal_safe.h"

namespace cromt::cli {
namespace {

using seglog::Stream;

std::string Stamp(int64_t wall_us) {
  time_t seconds = wall_us / 1'000'000;
  struct tm local {};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02} :: ", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string_view StreamHeading(Stream stream) {
  return stream == Stream::kStderr ? step::kStderrHeading : step::kStdoutHeading;
}

bool IsOfJob(Stream stream) {
  return stream == Stream::kStdout || stream == Stream::kStderr;
}

}  // namespace

void TaskText::Add(Stream stream, int64_t wall_us, std::string_view data, std::string& out) {
  if (stream >= Stream::kStdout && stream <= Stream::kNote) AddLines(stream, wall_us, data, out);
}

void TaskText::AddLines(Stream stream, int64_t wall_us, std::string_view data, std::string& out) {
  Partial& partial = PartialOf(stream);
  while (!data.empty()) {
    if (partial.text.empty()) partial.wall_us = wall_us;
    const size_t end = data.find('\n');
    const size_t room = kMaxHeldLineBytes - partial.text.size();
    const size_t taken = std::min({end, data.size(), room});
    partial.text += data.substr(0, taken);
    data.remove_prefix(taken);
    if (taken == end) {
      data.remove_prefix(1);
      const std::string line = std::exchange(partial.text, {});
      OnLine(stream, partial.wall_us, line, out);
    } else if (partial.text.size() == kMaxHeldLineBytes) {
      ShowPiece(stream, out);
    }
  }
}

void TaskText::OnLine(Stream stream, int64_t wall_us, std::string_view line, std::string& out) {
  if (IsOfJob(stream)) return Show(stream, wall_us, line, true, out);
  if (stream == Stream::kNote) {
    Flush(out);  // what was printed before it stands before it
    return ShowOwnLine(fmt::format("cromt: {}", line), out);
  }
  if (auto mark = step::DecodeMark(line)) OnMark(*mark, wall_us, out);
}

void TaskText::OnMark(const step::Mark& mark, int64_t wall_us, std::string& out) {
  CloseTask(out);
  if (const auto* began = std::get_if<step::TaskBegan>(&mark)) {
    if (!began->quiet) ShowOwnLine(step::Heading(*began), out);
    if (!began->quiet) ShowOwnLine(step::kStdoutHeading, out);
    BeginSection(began->quiet);
  } else if (const auto* section = std::get_if<step::SectionBegan>(&mark)) {
    if (!section->quiet) ShowOwnLine(step::Heading(*section), out);
    BeginSection(section->quiet);
  } else if (const auto* line = std::get_if<step::OwnLine>(&mark)) {
    ShowOwnLine(line->text, out);
  } else {
    for (const std::string& text : step::FailureLines(std::get<step::TaskEnded>(mark)))
      ShowOwnLine(Stamp(wall_us) + text, out);
  }
}

void TaskText::BeginSection(bool quiet) {
  shown_ = Stream::kStdout;
  in_task_ = true;
  quiet_ = quiet;
}

// Shows what a line that is not ended has so far. A note or mark that long is none of ours and dropped.
void TaskText::ShowPiece(Stream stream, std::string& out) {
  Partial& partial = PartialOf(stream);
  if (!IsOfJob(stream)) return partial.text.clear();
  const size_t whole = options_.terminal ? WholeSequences(partial.text) : partial.text.size();
  if (whole == 0) return;
  const std::string rest = partial.text.substr(whole);
  partial.text.resize(whole);
  const std::string piece = std::exchange(partial.text, rest);
  Show(stream, partial.wall_us, piece, false, out);
}

void TaskText::Show(Stream stream, int64_t wall_us, std::string_view text, bool ended, std::string& out) {
  const bool hold = options_.mode == Mode::kFinished && in_task_ && stream == Stream::kStderr;
  Sheet sheet = hold ? Sheet{held_stderr_, held_open_} : Sheet{out, open_};
  if (sheet.open && *sheet.open != stream) CloseLine(sheet);
  if (!sheet.open && in_task_) {
    if (!hold && shown_ != stream && !quiet_) {
      sheet.text += fmt::format("{}\n", StreamHeading(stream));
      shown_ = stream;
    }
    sheet.text += Stamp(wall_us);
  }
  if (options_.terminal) {
    if (ended && text.ends_with('\r')) text.remove_suffix(1);  // a line of DOS
    AppendTerminalSafe(text, PartialOf(stream).colours, sheet.text);
  } else {
    sheet.text += text;
  }
  sheet.open = stream;
  if (ended) CloseLine(sheet);
  if (hold && held_stderr_.size() > kMaxHeldStderrBytes) ShowHeldStderr(out);
}

// A line of cromt's own, at the start of a line.
void TaskText::ShowOwnLine(std::string_view text, std::string& out) {
  CloseLine({out, open_});
  std::string no_colours;
  if (options_.terminal) {
    AppendTerminalSafe(text, no_colours, out);
  } else {
    out += text;
  }
  out += '\n';
}

void TaskText::CloseLine(Sheet sheet) {
  if (sheet.open) sheet.text += '\n';
  sheet.open.reset();
}

// Ends what is shown of the current task, if there is one, and all unfinished lines.
void TaskText::CloseTask(std::string& out) {
  for (Stream stream : {Stream::kStdout, Stream::kStderr}) {
    Partial& partial = PartialOf(stream);
    const std::string line = std::exchange(partial.text, {});
    if (!line.empty()) Show(stream, partial.wall_us, line, true, out);
    partial.colours.clear();
  }
  ShowHeldStderr(out);
  CloseLine({out, open_});
  in_task_ = false;
}

void TaskText::ShowHeldStderr(std::string& out) {
  CloseLine({held_stderr_, held_open_});
  if (held_stderr_.empty()) return;
  CloseLine({out, open_});
  if (shown_ != Stream::kStderr && !quiet_) out += fmt::format("{}\n", step::kStderrHeading);
  shown_ = Stream::kStderr;
  out += std::exchange(held_stderr_, {});
}

void TaskText::Flush(std::string& out) {
  if (options_.mode == Mode::kFinished) return;
  for (Stream stream : {Stream::kStdout, Stream::kStderr})
    if (!PartialOf(stream).text.empty()) ShowPiece(stream, out);
}

void TaskText::End(std::string& out) {
  CloseTask(out);
  for (Partial& partial : partials_) partial.text.clear();
}

}  // namespace cromt::cli
