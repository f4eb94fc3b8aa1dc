#include "cli/log_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/describe.h"
#include "cli/json_output.h"

namespace cromt::cli {
namespace {

std::vector<std::string> LabelsOf(const std::vector<TaskView>& tasks) {
  std::vector<std::string> labels;
  if (tasks.size() < 2) return labels;  // one needs no heading
  for (const TaskView& task : tasks) {
    if (task.index >= labels.size()) labels.resize(task.index + 1);
    labels[task.index] = TaskLabel(task);
  }
  return labels;
}

std::string HeadingLine(const std::vector<std::string>& labels, TaskIndex task, uint32_t attempt) {
  const std::string label = task < labels.size() ? labels[task] : fmt::format("task {}", task + 1);
  return fmt::format("==> {}{} <==", label, attempt > 1 ? fmt::format(" (attempt {})", attempt) : "");
}

}  // namespace

// ---- Text -------------------------------------------------------------------------------------

void TextLog::SetTasks(const std::vector<TaskView>& tasks) {
  MutexLock lock(mutex_);
  if (options_.headings) labels_ = LabelsOf(tasks);
}

void TextLog::Add(const LogPiece& piece) {
  std::function<void()> then;
  {
    MutexLock lock(mutex_);
    const Key key = KeyOf(piece.task, piece.attempt);
    const int64_t end = piece.offset + static_cast<int64_t>(piece.data.size());
    const int64_t known = attempts_[key].next_offset;
    if (end <= known && known > 0) return;  // seen before the connection broke
    const size_t seen = static_cast<size_t>(std::max<int64_t>(known - piece.offset, 0));
    Attempt& attempt = OpenText(key);
    attempt.next_offset = end;
    std::string text;
    if (piece.offset > known && piece.offset < kNoteOffset)
      attempt.text->Add(seglog::Stream::kNote, Micros(piece.at),
                        fmt::format("{} bytes of its output are missing here\n", piece.offset - known), text);
    attempt.text->Add(static_cast<seglog::Stream>(piece.stream), Micros(piece.at),
                      std::string_view(piece.data).substr(seen), text);
    // On a terminal a prompt or progress bar is shown as it is drawn; not where it would cut into others' lines.
    if (options_.terminal && options_.unfinished && labels_.empty()) attempt.text->Flush(text);
    Show(key, text);
    if (attempt.then && attempt.next_offset >= attempt.awaited) {
      Close(key, attempt);
      then = std::exchange(attempt.then, nullptr);
    }
  }
  if (then) then();
}

void TextLog::TaskEnded(TaskIndex task, const TaskStatus& status, std::function<void()> then) {
  {
    MutexLock lock(mutex_);
    const Key key = KeyOf(task, status.attempt);
    const auto found = attempts_.find(key);
    const int64_t shown = found == attempts_.end() ? 0 : found->second.next_offset;
    // Only of a process whose end was seen do we know how much it printed.
    if (status.exit && shown < status.log_bytes) {
      attempts_[key].awaited = status.log_bytes;
      attempts_[key].then = std::move(then);
      return;
    }
    if (status.exit && found != attempts_.end()) Close(key, found->second);
  }
  then();
}

void TextLog::End() {
  std::vector<std::pair<Key, std::function<void()>>> waiting;
  {
    MutexLock lock(mutex_);
    std::vector<Key> open;
    for (auto& [key, attempt] : attempts_) {
      if (attempt.text) open.push_back(key);
      if (attempt.then) waiting.emplace_back(key, std::exchange(attempt.then, nullptr));
    }
    std::sort(open.begin(), open.end());
    for (Key key : open) Close(key, attempts_[key]);
    if (line_open_) sink_("\n");
    line_open_ = false;
    shown_ = kNobody;
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [key, then] : waiting) then();
}

size_t TextLog::open() const {
  MutexLock lock(mutex_);
  return open_;
}

TextLog::Attempt& TextLog::OpenText(Key key) {
  Attempt& attempt = attempts_[key];  // stays where it is: the map has nodes
  attempt.last_used = ++clock_;
  if (attempt.text) return attempt;
  if (open_ == kMaxOpen) CloseIdlest();
  attempt.text = std::make_unique<TaskText>(TaskText::Options{.mode = options_.mode, .terminal = options_.terminal});
  ++open_;
  return attempt;
}

void TextLog::Close(Key key, Attempt& attempt) {
  if (!attempt.text) return;
  std::string text;
  attempt.text->End(text);
  attempt.text.reset();
  --open_;
  Show(key, text);
}

void TextLog::CloseIdlest() {
  auto idlest = attempts_.end();
  for (auto it = attempts_.begin(); it != attempts_.end(); ++it)
    if (it->second.text && (idlest == attempts_.end() || it->second.last_used < idlest->second.last_used)) idlest = it;
  if (idlest != attempts_.end()) Close(idlest->first, idlest->second);
}

void TextLog::Show(Key key, std::string_view text) {
  if (text.empty()) return;
  std::string lines;
  if (!labels_.empty() && shown_ != key) {
    if (line_open_) lines += '\n';
    lines += Heading(key) + "\n";
  }
  lines += text;
  line_open_ = text.back() != '\n';
  shown_ = key;
  sink_(lines);
}

std::string TextLog::Heading(Key key) const {
  return palette_.Bold(HeadingLine(labels_, static_cast<TaskIndex>(key >> 32), static_cast<uint32_t>(key)));
}

// ---- Raw, JSON --------------------------------------------------------------------------------

std::string_view SeenOutput::New(const LogPiece& piece) {
  int64_t& next = next_offsets_[static_cast<uint64_t>(piece.task) << 32 | piece.attempt];
  const std::string_view data = piece.data;
  const int64_t end = piece.offset + static_cast<int64_t>(data.size());
  const auto seen = static_cast<size_t>(std::max<int64_t>(next - piece.offset, 0));
  next = std::max(next, end);
  return data.substr(std::min(seen, data.size()));
}

void RawLog::SetTasks(const std::vector<TaskView>& tasks) {
  MutexLock lock(mutex_);
  if (headings_) labels_ = LabelsOf(tasks);
}

void RawLog::Add(const LogPiece& piece) {
  MutexLock lock(mutex_);
  const auto stream = static_cast<seglog::Stream>(piece.stream);
  const std::string_view data = seen_.New(piece);
  if ((stream != seglog::Stream::kStdout && stream != seglog::Stream::kStderr) || data.empty()) return;
  if (!labels_.empty() && shown_ != piece.task)
    sink_((line_open_ ? "\n" : "") + HeadingLine(labels_, piece.task, 1) + "\n");
  shown_ = piece.task;
  line_open_ = data.back() != '\n';
  sink_(data);
}

void JsonLog::Add(const LogPiece& piece) {
  MutexLock lock(mutex_);
  LogPiece fresh = piece;
  fresh.data = seen_.New(piece);
  if (!fresh.data.empty()) sink_(LogPieceJson(fresh));
}

}  // namespace cromt::cli
