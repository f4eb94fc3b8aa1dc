#include "agent/log_feed.h"

#include <algorithm>
#include <deque>

#include "io/seglog/reader.h"

namespace cromt {
namespace {

constexpr size_t kReadBytes = 256 << 10;
// Told about even if none of it was the subscriber's, so that it can acknowledge and old segments can go.
constexpr uint64_t kSilentAdvance = 4 << 20;

}  // namespace

struct LogFeed::Follower {
  std::shared_ptr<LogSubscription> subscription;
  std::optional<seglog::Reader> reader;
  std::deque<std::pair<uint64_t, int64_t>> under_way;  // (position after, bytes)
  int64_t under_way_bytes = 0;
  uint64_t told = 0;
  bool done = false;
};

LogFeed::LogFeed(std::string dir) : dir_(std::move(dir)), thread_([this] { Run(); }) {}

LogFeed::~LogFeed() {
  inbox_.Close();
  thread_.join();
}

void LogFeed::Register(Ticket ticket, const MeshId& mesh, const AttemptId& id) {
  MutexLock lock(mutex_);
  owners_[ticket] = {mesh, id};
}

void LogFeed::Unregister(Ticket ticket) {
  MutexLock lock(mutex_);
  owners_.erase(ticket);
}

void LogFeed::Advanced(uint64_t position) {
  inbox_.Post(Moved{position});
}

uint64_t LogFeed::NewId() {
  MutexLock lock(mutex_);
  return next_id_++;
}

void LogFeed::Subscribe(uint64_t id, LogSubscription subscription) {
  inbox_.Post(Add{id, std::make_shared<LogSubscription>(std::move(subscription))});
}

void LogFeed::Unsubscribe(uint64_t id) {
  inbox_.Post(Drop{id});
}
void LogFeed::Acknowledge(uint64_t id, uint64_t position) {
  inbox_.Post(Acked{id, position});
}
void LogFeed::EndAt(uint64_t id, uint64_t position) {
  inbox_.Post(End{id, position});
}

void LogFeed::Run() {
  // After every batch of commands all are served until none has more to give: what a command changed is never slept on.
  bool more = false;
  while (!inbox_.closed()) {
    for (const Command& command : more ? inbox_.TakeAll() : inbox_.WaitAndTakeAll(std::nullopt)) Handle(command);
    more = false;
    for (auto& [id, follower] : followers_) more |= Serve(*follower);
    std::erase_if(followers_, [](const auto& item) { return item.second->done; });
  }
}

void LogFeed::Handle(const Command& command) {
  if (const auto* add = std::get_if<Add>(&command)) {
    auto follower = std::make_unique<Follower>();
    follower->subscription = add->subscription;
    follower->told = add->subscription->from;
    followers_.emplace(add->id, std::move(follower));
    return;
  }
  if (const auto* drop = std::get_if<Drop>(&command)) followers_.erase(drop->id);
  if (const auto* end = std::get_if<End>(&command))
    if (auto found = followers_.find(end->id); found != followers_.end())
      found->second->subscription->until = end->position;
  if (const auto* acked = std::get_if<Acked>(&command)) {
    auto found = followers_.find(acked->id);
    if (found == followers_.end()) return;
    Follower& follower = *found->second;
    for (; !follower.under_way.empty() && follower.under_way.front().first <= acked->position;
         follower.under_way.pop_front())
      follower.under_way_bytes -= follower.under_way.front().second;
  }
}

bool LogFeed::Serve(Follower& follower) {
  LogSubscription& wanted = *follower.subscription;
  LogBatch batch;
  auto finish = [&](std::string problem) {
    batch.done = follower.done = true;
    batch.problem = std::move(problem);
    wanted.deliver(std::move(batch));
    return false;
  };
  batch.position = follower.told;
  if (wanted.until && follower.told >= *wanted.until) return finish("");
  if (follower.under_way_bytes >= wanted.credit_bytes) return false;
  if (!follower.reader) {
    auto reader = seglog::Reader::Open(dir_, wanted.from);
    // What is still needed is never removed: it begins later than where the subscriber was.
    if (!reader && reader.error().code == ErrorCode::kNotFound && wanted.from != 0)
      reader = seglog::Reader::Open(dir_, 0);
    // Nothing was ever written: a log that does not exist yet is empty.
    if (!reader)
      return reader.error().code == ErrorCode::kNotFound && wanted.from == 0 ? false : finish(reader.error().message);
    follower.reader = std::move(*reader);
  }
  auto frames = follower.reader->Read(kReadBytes);
  if (!frames) {
    if (frames.error().code == ErrorCode::kCorrupt && follower.reader->SkipSegment()) return true;
    return finish(frames.error().message);
  }
  batch.position = follower.reader->position();
  // Its end may be one that a crash of the host has cut off, so that the log goes on behind it.
  if (frames->empty()) return wanted.until && batch.position >= *wanted.until ? finish("") : false;
  int64_t bytes = 0;
  {
    MutexLock lock(mutex_);
    for (const auto& placed : *frames) {
      if (wanted.ticket && placed.frame.log_id != *wanted.ticket) continue;
      auto owner = owners_.find(placed.frame.log_id);
      if (owner == owners_.end() || owner->second.mesh != wanted.mesh) continue;
      bytes += static_cast<int64_t>(placed.frame.data.size()) + 64;
      batch.chunks.push_back({owner->second.id, placed.frame.stream, static_cast<int64_t>(placed.frame.offset),
                              WallFromMicros(placed.frame.wall_us), std::string(placed.frame.data)});
    }
  }
  bool ended = wanted.until && batch.position >= *wanted.until;
  if (ended) return finish("");
  if (batch.chunks.empty() && batch.position - follower.told < kSilentAdvance) return true;
  follower.told = batch.position;
  follower.under_way.emplace_back(batch.position, bytes);
  follower.under_way_bytes += bytes;
  wanted.deliver(std::move(batch));
  return true;
}

}  // namespace cromt
