// The output of one attempt: reads its pipes, hides its secrets, makes frames of what comes, numbers them, keeps to the
// limit, and adds cromt's own notes. Launcher thread only.
//
// Secrets are hidden before anything else: nothing of them is counted, held or written. An attempt without secrets has
// no maskers and pays nothing for them. Each stream of each pipe is one text; a mark is one by itself, and ends those
// of the step before it, so that all stay in order.
//
// Of what lies beyond the limit the last kTailBytes are held until the end, for there stands why something failed:
//
//     ██████████ limit ██████████ note   …left out…   note ██ tail ██
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/launcher/child.h"
#include "agent/launcher/log_sink.h"
#include "base/masker.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

// Marks of cromt-step and notes, which are few, may take this beyond the limit.
inline constexpr int64_t kMarkReserveBytes = 1 << 20;
inline constexpr int64_t kTailBytes = 64 << 10;

class Output {
 public:
  enum Source { kStdout, kStderr, kRecords, kSources };

  // `limit_bytes` 0 = none. `secrets` null = none. `sink` outlives this.
  Output(uint64_t log_id, int64_t limit_bytes, std::shared_ptr<const MaskPatterns> secrets, LogSink& sink);

  void Open(Child& child);
  // -1 when that pipe is closed or never was.
  int fd(Source source) const { return pipes_[source].get(); }
  bool has_open_pipe() const;

  // Reads once what is there. False when the pipe is at its end or broken: close it, once it is no more watched.
  bool Read(Source source);
  void Close(Source source);

  // Reads what is in all pipes now, and no more, whoever else may still write; then says what was left out, and adds
  // the tail.
  // REQUIRES: the processes of the attempt are gone. Close the pipes afterwards.
  void Finish();

  // Finish would add nothing.
  bool has_nothing_to_finish() const;

  // A line of cromt itself in the attempt's log.
  void Note(std::string_view line);

  // Data bytes in the log, all streams.
  int64_t bytes() const { return bytes_; }
  // In the log, behind the last of it; 0: there is none.
  seglog::Position end() const { return *end_; }
  // Everything added so far is in the log.
  bool written() const { return last_batch_ == 0 || sink_.written(last_batch_); }

 private:
  int WaitingBytes(Source source) const;
  void Take(Source source, std::string_view data);
  void TakeRecords(std::string_view data);
  void TakeText(Source source, seglog::Stream stream, std::string_view data);
  void EndTexts(Source source);
  void AddAll(seglog::Stream stream, std::string_view data);
  void Add(seglog::Stream stream, std::string_view data);
  void Hold(seglog::Stream stream, std::string_view data);
  void Append(seglog::Stream stream, std::string_view data);

  uint64_t log_id_;
  int64_t limit_bytes_;
  const std::shared_ptr<const MaskPatterns> secrets_;
  std::map<std::pair<Source, seglog::Stream>, Masker> maskers_;  // of what has come; empty without secrets
  LogSink& sink_;
  std::array<UniqueFd, kSources> pipes_;
  std::string partial_record_;
  bool records_broken_ = false;
  int64_t bytes_ = 0;
  int64_t dropped_bytes_ = 0;
  bool over_ = false;  // the limit was passed, and that was said
  std::deque<std::pair<seglog::Stream, std::string>> tail_;
  int64_t tail_bytes_ = 0;
  uint64_t last_batch_ = 0;  // 0: nothing was added yet
  std::shared_ptr<seglog::Position> end_ = std::make_shared<seglog::Position>(0);
};

}  // namespace cromt::launcher
