#include "agent/log_feed.h"

namespace cromt {

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
    for (auto& [id, follower] : followers_) more |= follower.Serve();
    std::erase_if(followers_, [](const auto& item) { return item.second.done(); });
  }
}

void LogFeed::Handle(const Command& command) {
  if (const auto* add = std::get_if<Add>(&command)) {
    auto open = [this](seglog::Position from) -> Result<std::unique_ptr<seglog::FrameSource>> {
      CROMT_ASSIGN(auto reader, seglog::Reader::Open(dir_, from));
      return std::make_unique<seglog::Reader>(std::move(reader));
    };
    auto attempt_of = [this](Ticket ticket, const MeshId& mesh) { return AttemptOf(ticket, mesh); };
    followers_.try_emplace(add->id, std::move(*add->subscription), std::move(open), std::move(attempt_of));
    return;
  }
  if (const auto* drop = std::get_if<Drop>(&command)) followers_.erase(drop->id);
  if (const auto* end = std::get_if<End>(&command))
    if (auto found = followers_.find(end->id); found != followers_.end()) found->second.EndAt(end->position);
  if (const auto* acked = std::get_if<Acked>(&command))
    if (auto found = followers_.find(acked->id); found != followers_.end()) found->second.Acknowledge(acked->position);
}

std::optional<AttemptId> LogFeed::AttemptOf(Ticket ticket, const MeshId& mesh) {
  MutexLock lock(mutex_);
  const auto owner = owners_.find(ticket);
  if (owner == owners_.end() || owner->second.mesh != mesh) return std::nullopt;
  return owner->second.id;
}

}  // namespace cromt
