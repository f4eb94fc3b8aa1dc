#include "agent/launcher/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/time.h"

namespace cromt::launcher {
namespace {

constexpr seglog::Stream kStreams[] = {seglog::Stream::kStdout, seglog::Stream::kStderr};

int64_t WallMicros() {
  return Micros(SystemClock().Read().wall);
}

}  // namespace

Output::Output(uint64_t log_id, int64_t limit_bytes, std::shared_ptr<const MaskPatterns> secrets, LogSink& sink)
    : log_id_(log_id),
      limit_bytes_(limit_bytes > 0 ? limit_bytes : INT64_MAX - kMarkReserveBytes),
      secrets_(std::move(secrets)),
      sink_(sink) {}

void Output::Open(Child& child) {
  pipes_[kStdout] = std::move(child.out);
  pipes_[kStderr] = std::move(child.err);
  pipes_[kRecords] = std::move(child.records);
}

bool Output::has_open_pipe() const {
  return std::any_of(pipes_.begin(), pipes_.end(), [](const UniqueFd& pipe) { return pipe.get() >= 0; });
}

bool Output::Read(Source source) {
  std::array<char, seglog::kMaxDataBytes> buffer;
  ssize_t got = read(pipes_[source].get(), buffer.data(), buffer.size());
  if (got > 0) Take(source, {buffer.data(), static_cast<size_t>(got)});
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return got > 0 && !(source == kRecords && records_broken_);
}

// Nothing more comes from there: what is held back is all that there is of it.
void Output::Close(Source source) {
  EndTexts(source);
  pipes_[source].reset();
}

int Output::WaitingBytes(Source source) const {
  int waiting = 0;
  return fd(source) >= 0 && ioctl(fd(source), FIONREAD, &waiting) == 0 ? waiting : 0;
}

bool Output::has_nothing_to_finish() const {
  return partial_record_.empty() && !over_ && WaitingBytes(kStdout) == 0 && WaitingBytes(kStderr) == 0 &&
         WaitingBytes(kRecords) == 0 &&
         std::none_of(maskers_.begin(), maskers_.end(), [](const auto& one) { return one.second.holds_something(); });
}

void Output::Finish() {
  for (Source source : {kStdout, kStderr, kRecords}) {
    int waiting = WaitingBytes(source);
    // One read gives at most kMaxDataBytes; the count keeps a writer that escaped from holding this up.
    for (int read = 0; read < waiting; read += seglog::kMaxDataBytes) {
      if (!Read(source)) break;
    }
    EndTexts(source);
  }
  if (!partial_record_.empty() && !records_broken_)
    Note(fmt::format("the last record is cut short: {} bytes of it are left out", partial_record_.size()));
  if (dropped_bytes_ > 0)
    Note(fmt::format("the output passed its limit of {} bytes: {} bytes are left out here", limit_bytes_,
                     dropped_bytes_));
  for (const auto& [stream, data] : std::exchange(tail_, {})) Append(stream, data);
  tail_bytes_ = dropped_bytes_ = 0;
  over_ = false;
}

void Output::Note(std::string_view line) {
  const std::string masked = secrets_ ? Masked(secrets_, line) : std::string(line);
  Append(seglog::Stream::kNote, masked.substr(0, seglog::kMaxDataBytes - 1) + "\n");
}

void Output::Take(Source source, std::string_view data) {
  if (source == kRecords) return TakeRecords(data);
  TakeText(source, kStreams[source], data);
}

void Output::TakeText(Source source, seglog::Stream stream, std::string_view data) {
  if (!secrets_) return Add(stream, data);
  if (stream == seglog::Stream::kStep || stream == seglog::Stream::kNote) {
    EndTexts(source);
    return AddAll(stream, Masked(secrets_, data));
  }
  std::string out;
  maskers_.try_emplace({source, stream}, secrets_).first->second.Add(data, out);
  AddAll(stream, out);
}

void Output::EndTexts(Source source) {
  for (auto& [of, masker] : maskers_) {
    if (of.first != source || !masker.holds_something()) continue;
    std::string out;
    masker.Finish(out);
    AddAll(of.second, out);
  }
}

// With what was held back it may be more than a frame takes.
void Output::AddAll(seglog::Stream stream, std::string_view data) {
  for (; !data.empty(); data.remove_prefix(std::min<size_t>(data.size(), seglog::kMaxDataBytes)))
    Add(stream, data.substr(0, seglog::kMaxDataBytes));
}

void Output::TakeRecords(std::string_view data) {
  if (records_broken_) return;
  partial_record_.append(data);
  std::string_view rest = partial_record_;
  while (true) {
    Result<std::optional<seglog::Record>> record = seglog::DecodeRecord(rest);
    if (!record) {
      records_broken_ = true;
      Note("descriptor 3 gave something that is no record and is read no further");
      break;
    }
    if (!*record) break;
    TakeText(kRecords, (*record)->stream, (*record)->data);
  }
  partial_record_.erase(0, partial_record_.size() - rest.size());
}

void Output::Add(seglog::Stream stream, std::string_view data) {
  const bool of_job = stream == seglog::Stream::kStdout || stream == seglog::Stream::kStderr;
  const int64_t limit = of_job ? limit_bytes_ : limit_bytes_ + kMarkReserveBytes;
  const int64_t size = static_cast<int64_t>(data.size());
  const int64_t room = over_ && of_job ? 0 : std::clamp<int64_t>(limit - bytes_, 0, size);
  if (!of_job) {
    // Marks are kept whole or not at all: half of one says nothing.
    if (room == size) Append(stream, data);
    return;
  }
  if (room > 0) Append(stream, data.substr(0, static_cast<size_t>(room)));
  if (room < size) Hold(stream, data.substr(static_cast<size_t>(room)));
}

// Beyond the limit: the last of it may be wanted at the end.
void Output::Hold(seglog::Stream stream, std::string_view data) {
  if (!std::exchange(over_, true))
    Note(fmt::format("the output has passed its limit of {} bytes: only the last {} bytes will be added at its end",
                     limit_bytes_, kTailBytes));
  if (!tail_.empty() && tail_.back().first == stream &&
      tail_.back().second.size() + data.size() <= seglog::kMaxDataBytes)
    tail_.back().second += data;  // small pieces together, so that there are few
  else
    tail_.emplace_back(stream, data);
  tail_bytes_ += static_cast<int64_t>(data.size());
  while (tail_bytes_ > kTailBytes) {
    std::string& oldest = tail_.front().second;
    const int64_t surplus = std::min(tail_bytes_ - kTailBytes, static_cast<int64_t>(oldest.size()));
    dropped_bytes_ += surplus;
    tail_bytes_ -= surplus;
    if (surplus == static_cast<int64_t>(oldest.size()))
      tail_.pop_front();
    else
      oldest.erase(0, static_cast<size_t>(surplus));
  }
}

void Output::Append(seglog::Stream stream, std::string_view data) {
  sink_.Add({.stream = stream,
             .log_id = log_id_,
             .offset = static_cast<uint64_t>(bytes_),
             .wall_us = WallMicros(),
             .data = data},
            end_);
  bytes_ += static_cast<int64_t>(data.size());
  last_batch_ = sink_.batch();
}

}  // namespace cromt::launcher
