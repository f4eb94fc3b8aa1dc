#include "tests/sim/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace cromt::sim {
namespace {

constexpr int64_t kLine = 32;
constexpr size_t kSliceBytes = 64 << 10;

class LogSource final : public seglog::FrameSource {
 public:
  LogSource(const HostLog& log, seglog::Position from) : log_(log), position_(from) {}

  Result<std::vector<seglog::PlacedFrame>> Read(size_t budget_bytes) override {
    std::vector<seglog::PlacedFrame> frames;
    texts_.clear();
    auto next = std::ranges::upper_bound(log_.frames, position_, {}, &PrintedFrame::position);
    for (size_t bytes = 0; next != log_.frames.end() && (frames.empty() || bytes < budget_bytes); ++next) {
      const std::string& text = texts_.emplace_back(OutputOf(next->process, next->offset, next->size));
      bytes += text.size();
      frames.push_back({{.log_id = next->ticket,
                         .offset = static_cast<uint64_t>(next->offset),
                         .wall_us = Micros(next->at),
                         .data = text},
                        position_});
      position_ = next->position;
    }
    return frames;
  }
  seglog::Position position() const override { return position_; }
  Result<uint64_t> SkipSegment() override { return Fail(ErrorCode::kNotFound, "there is one only"); }

 private:
  const HostLog& log_;
  seglog::Position position_;
  std::deque<std::string> texts_;
};

AgentId AgentOf(size_t host) {
  return AgentId(fmt::format("agent-{}", host));
}

}  // namespace

std::string OutputOf(size_t process, int64_t offset, int64_t size) {
  std::string text;
  const int64_t first = offset / kLine;
  for (int64_t line = first; line * kLine < offset + size; ++line)
    text += fmt::format("{:<31}\n", fmt::format("process {} line {}", process, line));
  return text.substr(static_cast<size_t>(offset - first * kLine), static_cast<size_t>(size));
}

void HostLog::Print(PrintedFrame frame) {
  OutputInLog& output =
      outputs.try_emplace(frame.ticket, OutputInLog{.bytes = 0, .begin = end, .end = 0}).first->second;
  frame.position = end += static_cast<uint64_t>(frame.size);
  output.bytes += frame.size;
  output.end = end;
  frames.push_back(std::move(frame));
}

void HostLog::Clear() {
  outputs.clear();
  frames.clear();
}

std::unique_ptr<seglog::FrameSource> HostLog::Read(const HostLog& log, seglog::Position from) {
  return std::make_unique<LogSource>(log, from);
}

void OutputLedger::Printed(size_t host, const PrintedFrame& frame) {
  printed_[host].push_back({.frame = frame, .is_nobodys = nobodys_[host].contains(frame.ticket)});
  int64_t& size = processes_[frame.attempt][frame.process];
  size = std::max(size, frame.offset + frame.size);
}

void OutputLedger::HostLoses(size_t host) {
  std::erase_if(printed_[host], [](const Frame& frame) { return !frame.was_stored; });
  for (Frame& frame : printed_[host]) frame.is_gone = true;
}

void OutputLedger::Lost(size_t host, Ticket ticket) {
  if (!nobodys_[host].insert(ticket).second) return;
  for (Frame& one : printed_[host]) one.is_nobodys |= one.frame.ticket == ticket && !one.was_stored;
}

void OutputLedger::Stored(size_t host, uint64_t from, uint64_t to, const void* coordinator) {
  std::vector<Frame>& frames = printed_[host];
  auto position = [](const Frame& one) { return one.frame.position; };
  for (auto next = std::ranges::upper_bound(frames, from, {}, position);
       next != frames.end() && next->frame.position <= to; ++next) {
    if (next->is_gone || nobodys_[host].contains(next->frame.ticket)) continue;  // so that was not sent
    next->stored_by.insert(coordinator);
    next->was_stored = true;
  }
}

void OutputLedger::Arrives(const AttemptId& id, int64_t offset, const void* coordinator) {
  if (!arrived_.emplace(coordinator, id, offset).second) situations_.Saw("output", "comes again");
}

void OutputLedger::MayBeGone(const void* coordinator) {
  for (auto& [host, frames] : printed_)
    for (Frame& frame : frames)
      if (frame.stored_by.contains(coordinator)) frame.may_be_gone.insert(coordinator);
}

bool OutputLedger::IsNobodys(size_t host, const Frame& frame, const void* coordinator) const {
  if (frame.is_nobodys) return true;
  if (!ledger_.went_back() && !ledger_.second_is_heard()) return false;
  const auto owner = owners_.find({coordinator, frame.frame.attempt});
  return owner != owners_.end() &&
         std::ranges::any_of(owner->second, [&](const AgentId& agent) { return agent != AgentOf(host); });
}

void OutputLedger::Take(const RunId& run, const LogPiece& piece, Pieces& pieces) {
  const AttemptId id{run, piece.task, piece.attempt};
  const auto size = static_cast<int64_t>(piece.data.size());
  const int64_t end = piece.offset + size;
  const auto processes = processes_.find(id);
  const auto has_printed = [&](const auto& process) {
    return end <= process.second && piece.data == OutputOf(process.first, piece.offset, size);
  };
  if (processes == processes_.end() || std::ranges::none_of(processes->second, has_printed))
    Violation(
        fmt::format("of {} there is stored at {} what no process of it has printed there", ToString(id), piece.offset));
  auto& own = pieces[id];
  if (!own.empty() && piece.offset < own.rbegin()->second)
    Violation(fmt::format("of {} there is twice stored what begins at {}", ToString(id), piece.offset));
  if (!own.empty() && piece.offset == own.rbegin()->second)
    own.rbegin()->second = end;
  else
    own[piece.offset] = end;
}

void OutputLedger::CheckStored(const void* coordinator, LogStore& logs) {
  Pieces pieces;
  const auto kept = logs.List();
  if (!kept) return Violation("the output can't be listed: " + kept.error().message);
  for (const LogStore::Kept& file : *kept)
    for (uint64_t cursor = 0;;) {
      const auto slice = logs.Read(file.run, cursor, kSliceBytes);
      if (!slice) return Violation("the output can't be read: " + slice.error().message);
      if (slice->pieces.empty()) break;
      cursor = slice->next_cursor;
      for (const LogPiece& piece : slice->pieces) Take(file.run, piece, pieces);
    }
  for (const auto& [host, frames] : printed_)
    for (const Frame& one : frames) {
      const PrintedFrame& frame = one.frame;
      if (frame.plain || !one.stored_by.contains(coordinator) || one.may_be_gone.contains(coordinator)) continue;
      const auto& own = pieces[frame.attempt];
      auto found = own.upper_bound(frame.offset);
      if (found != own.begin() && (--found)->second >= frame.offset + frame.size) continue;
      if (IsNobodys(host, one, coordinator)) {
        situations_.Saw("output", "nobody's");
        continue;
      }
      std::string there;
      for (const auto& [begin, end] : own) there += fmt::format(" {}-{}", begin, end);
      Violation(fmt::format("host {} was told that bytes {}-{} of the output of {} are stored, and there is{}", host,
                            frame.offset, frame.offset + frame.size, ToString(frame.attempt),
                            there.empty() ? " nothing" : there));
    }
}

void OutputLedger::CheckAll(const std::set<size_t>& hosts) {
  for (const size_t host : hosts)
    for (const Frame& one : printed_[host])
      if (!one.frame.plain && !one.was_stored && !one.is_nobodys)
        Violation(fmt::format("what {} has printed on host {} from byte {} on is not stored",
                              ToString(one.frame.attempt), host, one.frame.offset));
}

}  // namespace cromt::sim
