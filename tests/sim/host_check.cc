#include "tests/sim/host_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt::sim {
namespace {

constexpr Duration kStopTakes = seconds(2);  // besides what the process is given

const QueuedAttempt* FindById(const AgentQueue& queue, const AttemptId& id) {
  for (const InventoryTicket& known : queue.Tickets())
    if (known.id == id) return queue.Find(known.ticket);
  return nullptr;
}

}  // namespace

void HostCheck::Violation(const std::string& what) {
  constexpr int kEnough = 3;
  if (++told_ <= kEnough) world_.ledger.Violation(what);
}

void HostCheck::Boots(const std::vector<JournalRecord>& records) {
  accepted_.clear();
  launching_.clear();
  ended_.clear();
  before_.clear();
  refused_before_ = false;
  said_.clear();
  older_leases_.clear();
  older_stops_.clear();
  uint64_t known = 0;
  stored_ = 0;
  for (const JournalRecord& record : records) {
    if (const auto* stored = std::get_if<journal::Stored>(&record)) stored_ = std::max(stored_, stored->position);
    const auto* seen = std::get_if<journal::MeshSeen>(&record);
    if (!seen) continue;
    known = std::max(known, seen->epoch);
    stored_ = std::max(stored_, seen->logs_stored);
  }
  if (known < second_epoch_ && second_epoch_ <= answered_epoch_) world_.ledger.ProofIsLost();
  answered_epoch_ = std::min(answered_epoch_, known);
  launcher_.clear();
  launcher_before_.clear();
  told_to_stop_.clear();
  Disturbed(Duration(0));
  Replays(records);
}

void HostCheck::Disturbed(Duration until) {
  calm_since_ = std::max({calm_since_, until, world_.timeline.now()});
}

// Launchers by what the agent has heard: one may have died in silence while it hung, and it took an attempt before it
// heard of that.
void HostCheck::Journaled(std::span<const JournalRecord> records, const HostLogContents& log) {
  for (const JournalRecord& record : records) {
    if (const auto* accepted = std::get_if<journal::Accepted>(&record)) launchers_[accepted->ticket] = launcher_before_;
    const auto* ended = std::get_if<journal::Ended>(&record);
    if (!ended || ended->result.kind != AttemptResult::Kind::kLost || ended_.contains(ended->ticket)) continue;
    const auto note = log.notes.find(ended->ticket);
    const int64_t noted = note == log.notes.end() ? 0 : note->second, bytes = ended->result.log_bytes;
    const HostLogContents::Output output = log.Of(ended->ticket, ended->log_begin);
    if (bytes != output.bytes && bytes != output.bytes + noted)
      Violation(fmt::format("ticket {} is called lost with {} bytes of output, and {} are in the log", ended->ticket,
                            bytes, output.bytes));
    outputs_[ended->ticket] = output;
    const auto since = launchers_.find(ended->ticket);
    if (since != launchers_.end() && !launcher_.empty() && since->second == launcher_)
      Violation(fmt::format("ticket {} is called lost, and its launcher has lived all the time", ended->ticket));
  }
  Replays(records);
}

void HostCheck::Replays(std::span<const JournalRecord> records) {
  for (const JournalRecord& record : records) {
    if (const auto* accepted = std::get_if<journal::Accepted>(&record)) accepted_.insert(accepted->ticket);
    if (const auto* launching = std::get_if<journal::Launching>(&record)) launching_.insert(launching->ticket);
    if (const auto* ended = std::get_if<journal::Ended>(&record)) ended_.insert(ended->ticket);
  }
}

// ---- Older and newer coordinators -------------------------------------------------------------

void HostCheck::Greeted(StreamId stream, uint64_t epoch, bool second) {
  epochs_[stream] = epoch;
  if (IsOlder(stream)) return world_.situations.Saw("two coordinators", "an agent obeys the older no more");
  if (!second) return;
  world_.situations.Saw("two coordinators", "an agent turns to the second");
  second_epoch_ = epoch;
  world_.ledger.SecondIsHeard();
}

void HostCheck::Answers(StreamId stream) {
  if (auto epoch = epochs_.find(stream); epoch != epochs_.end())
    answered_epoch_ = std::max(answered_epoch_, epoch->second);
}

bool HostCheck::IsOlder(StreamId stream) const {
  const auto epoch = epochs_.find(stream);
  return epoch != epochs_.end() && epoch->second < answered_epoch_;
}

void HostCheck::Stops(const AttemptId& id) {
  if (older_stops_.contains(id) && !stops_.contains(id))
    Violation(ToString(id) + " is stopped by a coordinator that is older than one that was obeyed");
}

// ---- Steps ------------------------------------------------------------------------------------

void HostCheck::Takes(const std::vector<AgentInput>& inputs) {
  said_.clear();
  older_leases_.clear();
  older_stops_.clear();
  launcher_before_ = launcher_;
  std::set<AttemptId> leases, stops;  // that the newest has said
  for (const AgentInput& input : inputs) {
    if (const auto* message = std::get_if<agent_input::StreamMessage>(&input)) {
      Said said{message->stream, message->message.stops};
      for (const Verdict& verdict : message->message.verdicts)
        if (verdict.kind == Verdict::Kind::kStop) said.stops.push_back(verdict.id);
      const bool older = IsOlder(message->stream);
      for (const Lease& lease : message->message.leases) (older ? older_leases_ : leases).insert(lease.id);
      (older ? older_stops_ : stops).insert(said.stops.begin(), said.stops.end());
      if (!said.stops.empty()) said_.push_back(std::move(said));
    }
    const auto* tell = std::get_if<agent_input::Tell>(&input);
    const auto* stored = tell ? std::get_if<queue_event::LogsStored>(&tell->event) : nullptr;
    if (stored) stored_ = std::max(stored_, stored->position);
    const auto* launcher = tell ? std::get_if<queue_event::LauncherUp>(&tell->event) : nullptr;
    if (launcher) launcher_ = launcher->incarnation;
  }
  for (const AttemptId& id : leases) older_leases_.erase(id);
  for (const AttemptId& id : stops) older_stops_.erase(id);
}

void HostCheck::Stepped(const AgentQueue& queue) {
  for (const Said& said : std::exchange(said_, {}))
    for (const AttemptId& id : said.stops) {
      stops_.emplace(id, world_.timeline.now());
      const QueuedAttempt* attempt = FindById(queue, id);
      if (attempt && attempt->stop_wanted) told_to_stop_.insert(attempt->ticket);
      if (attempt && !attempt->stop_wanted && attempt->phase != QueuedAttempt::Phase::kEnded && !IsOlder(said.stream))
        Violation(ToString(id) + " is to be stopped, and the agent does not know that");
    }
  if (!stops_.empty()) {
    // An id means another attempt once this one is gone: who has put the store back leases it again.
    std::set<AttemptId> known;
    for (const InventoryTicket& one : queue.Tickets()) known.insert(queue.Find(one.ticket)->id);
    std::erase_if(stops_, [&](const auto& stop) { return !known.contains(stop.first); });
  }
  for (const InventoryTicket& known : queue.Tickets())
    if (const QueuedAttempt& attempt = *queue.Find(known.ticket); !before_.contains(known.ticket)) {
      if (older_leases_.contains(attempt.id))
        Violation(ToString(attempt.id) + " is taken from a coordinator that is older than one that was obeyed");
      if (refused_before_ && !queue.refusal().empty() && attempt.phase != QueuedAttempt::Phase::kEnded)
        Violation(ToString(attempt.id) + " is taken, and the agent takes nothing new: " + queue.refusal());
    }
  refused_before_ = !queue.refusal().empty();
  before_.clear();
  for (const InventoryTicket& known : queue.Tickets()) before_[known.ticket] = queue.Find(known.ticket)->phase;
}

// Those who were in line when this step began. Who uses a directory in place may have to wait for it.
void HostCheck::Begins(const AgentQueue& queue, const QueuedAttempt& attempt) {
  using Phase = QueuedAttempt::Phase;
  if (auto before = before_.find(attempt.ticket); before != before_.end() && before->second != Phase::kQueued) return;
  for (const InventoryTicket& known : queue.Tickets()) {
    auto before = before_.find(known.ticket);
    const QueuedAttempt& other = *queue.Find(known.ticket);
    if (before == before_.end() || before->second != Phase::kQueued || other.phase != Phase::kQueued) continue;
    if (other.mesh != attempt.mesh || !other.spec->source.directory.empty()) continue;
    const int32_t its = other.spec->priority, mine = attempt.spec->priority;
    if (its > mine || (its == mine && known.ticket < attempt.ticket))
      return Violation(fmt::format("invariant 5: {} begins before {}, {}", ToString(attempt.id), ToString(other.id),
                                   its > mine ? "whose priority is higher" : "which came first"));
  }
}

void HostCheck::Launches(const QueuedAttempt& attempt) {
  if (!launching_.contains(attempt.ticket))
    Violation(ToString(attempt.id) + " is launched before that is in the journal");
  if (told_to_stop_.contains(attempt.ticket))
    Violation(ToString(attempt.id) + " is launched after it was told to stop");
  stops_.erase(attempt.id);  // of another of the same number, which a store had leased that went back since
}

void HostCheck::ForgetsResult(Ticket ticket) {
  if (accepted_.contains(ticket) && !ended_.contains(ticket))
    Violation(fmt::format("the result of ticket {} is forgotten before it is in the journal", ticket));
}

void HostCheck::Forgets(Ticket ticket) {
  auto output = outputs_.find(ticket);
  if (output == outputs_.end()) return;
  if (output->second.bytes > 0 && output->second.end > stored_)
    Violation(fmt::format("invariant 7: ticket {} is forgotten, and of its output {} bytes are not stored", ticket,
                          output->second.end - stored_));
  outputs_.erase(output);
}

void HostCheck::Launcher(const AgentQueue* queue, const launcher::Ended& ended) {
  outputs_[ended.log_id] = {ended.log_bytes, ended.log_end};
  const QueuedAttempt* attempt = queue ? queue->Find(ended.log_id) : nullptr;
  auto stop = attempt ? stops_.find(attempt->id) : stops_.end();
  if (stop == stops_.end() || ended.cause == launcher::Ended::Cause::kStopped) return;
  // It may be told of much later, if what it has printed can't be written.
  const Duration since = std::max(stop->second, calm_since_), now(ended.ended_wall_us);
  if (now > since + attempt->spec->grace + kStopTakes)
    Violation(fmt::format("{} was told to stop and goes on for {}", ToString(attempt->id),
                          FormatDuration(now - stop->second)));
}

}  // namespace cromt::sim
