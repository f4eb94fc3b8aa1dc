#include "agent/engine.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

constexpr Duration kReserveRetry = seconds(1), kRewriteRetry = seconds(1);

uint64_t Hash(const JournalId& journal) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : journal.text()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// Of an empty journal. A launcher may have outlived the one before, and the host's log may hold its output: so the
// tickets of two journals, of which the ids are random, have nothing in common.
Ticket FirstTicket(const JournalId& journal) {
  return ((Hash(journal) >> 34) << 32) + 1;  // below 2^62
}

// At random, since a journal may have lost its end (a crash of the host, a sync that failed), and with it the tickets
// that were given last, and that some were passed over.
Ticket PassedOver(const JournalId& new_id) {
  return Hash(new_id) % (uint64_t{1} << 32);
}

}  // namespace

AgentEngine::AgentEngine(JournalStore& journal, AgentEdges& edges, AgentIdentity identity, QueueLimits limits,
                         const JournalId& new_journal, size_t batch)
    : journal_(journal),
      edges_(edges),
      identity_(std::move(identity)),
      batch_(batch),
      queue_(limits, identity_.boot, new_journal, FirstTicket(new_journal), PassedOver(new_journal)) {}
AgentEngine::~AgentEngine() = default;

Status AgentEngine::Start(const std::vector<JournalRecord>& records, Now now, const OutputsInLog& outputs) {
  now_ = now;
  KeepReserve();
  TellRefusal();
  Take(queue_.Restore(records, now, outputs));
  CROMT_TRY(WriteJournal());
  for (const QueueEffect& effect : std::exchange(effects_, {})) Carry(effect);
  return {};
}

Status AgentEngine::Step(std::vector<AgentInput> inputs, Now now) {
  now_ = now;
  if (!disk_full_.empty() && now.mono >= reserve_due_) KeepReserve();
  TellRefusal();
  for (AgentInput& input : inputs) std::visit([this](auto& i) { On(i); }, input);
  CheckTimers();
  if (auto written = WriteJournal(); !written) {
    for (auto& [reply, result] : std::exchange(replies_, {})) reply(tl::unexpected<Error>(written.error()));
    return written;
  }
  if (in_doubt()) {
    HoldBack();
    Flush();
    return {};
  }
  for (const QueueEffect& effect : std::exchange(effects_, {})) Carry(effect);
  for (auto& [reply, result] : std::exchange(replies_, {})) reply(std::move(result));
  Flush();
  return {};
}

std::optional<Mono> AgentEngine::NextDeadline() const {
  if (Refusal() != queue_.refusal() || disk_.warning != queue_.warning()) return now_.mono;
  if (in_doubt()) return rewrite_due_;
  auto next = queue_.NextDeadline();
  if (!disk_full_.empty()) next = next ? std::min(*next, reserve_due_) : reserve_due_;
  if (auto at = launcher_.NextDeadline()) next = next ? std::min(*next, *at) : at;
  for (const auto& [id, stream] : streams_) {
    Mono at = stream.session.NextDeadline(stream.writable);
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

// ---- Inputs -----------------------------------------------------------------------------------

void AgentEngine::On(agent_input::StreamOpened& input) {
  if (streams_.size() >= kMostStreams)
    return CloseStream(
        input.stream,
        {ErrorCode::kExhausted, fmt::format("{} sessions with this agent are open, which is its limit", kMostStreams)});
  streams_.emplace(input.stream, Stream{AgentSession(identity_, now_, batch_)});
}

void AgentEngine::On(agent_input::StreamMessage& input) {
  auto found = streams_.find(input.stream);
  if (found == streams_.end()) return;
  const bool overfull = !input.message.leases.empty() && queue_.overfull();
  if (overfull) input.message.leases.clear();
  AgentSession& session = found->second.session;
  bool first = !session.greeted();
  auto events = session.Receive(input.message, queue_, now_);
  if (!events) return CloseStream(input.stream, events.error());
  if (first && session.ends_others()) EndOthers(input.stream, "somebody asks what there is, to recover its store");
  if (first && !session.inspected()) {
    if (!SupersedeOthers(input.stream)) return;
    for (const Digest& digest : wanted_[session.mesh()]) session.WantBlob(digest);
  }
  for (const QueueEvent& event : *events) Take(queue_.Apply(event, now_));
  for (const BlobFailure& failure : session.TakeBlobFailures()) {
    for (auto& [mesh, wanted] : wanted_) std::erase(wanted, failure.digest);
    edges_.BlobFailed(failure);
  }
  // The next session tells which leases are not here.
  if (overfull)
    CloseStream(input.stream,
                {ErrorCode::kExhausted, "the agent is full, and leases that it gave back were not taken back"});
}

// One session a mesh: the newer closes the older. False if this one is the older.
bool AgentEngine::SupersedeOthers(StreamId newest) {
  const auto mine = streams_.at(newest).session.order();
  for (StreamId other : OthersOfItsMesh(newest)) {
    if (streams_.at(other).session.order() < mine) continue;
    CloseStream(newest, {ErrorCode::kConflict, "this mesh has a newer session with the agent"});
    return false;
  }
  EndOthers(newest, "a newer session of this mesh took over");
  return true;
}

void AgentEngine::EndOthers(StreamId stream, const std::string& why) {
  for (StreamId other : OthersOfItsMesh(stream)) CloseStream(other, {ErrorCode::kConflict, why});
}

std::vector<StreamId> AgentEngine::OthersOfItsMesh(StreamId stream) const {
  const MeshId& mesh = streams_.at(stream).session.mesh();
  std::vector<StreamId> others;
  for (const auto& [id, other] : streams_)
    if (id != stream && other.session.greeted() && !other.session.inspected() && other.session.mesh() == mesh)
      others.push_back(id);
  return others;
}

void AgentEngine::On(agent_input::StreamWritable& input) {
  if (auto stream = streams_.find(input.stream); stream != streams_.end()) stream->second.writable = true;
}

void AgentEngine::On(agent_input::StreamClosed& input) {
  streams_.erase(input.stream);
}

void AgentEngine::On(agent_input::Tell& input) {
  launcher_.Heard(input.event);
  Take(queue_.Apply(input.event, now_), &input.reply);
}

void AgentEngine::On(agent_input::BlobWanted& input) {
  auto& wanted = wanted_[input.mesh];
  if (std::find(wanted.begin(), wanted.end(), input.digest) != wanted.end()) return;
  wanted.push_back(input.digest);
  for (auto& [id, stream] : streams_)
    if (stream.session.greeted() && stream.session.mesh() == input.mesh) stream.session.WantBlob(input.digest);
}

void AgentEngine::On(agent_input::BlobArrived& input) {
  for (auto& [mesh, wanted] : wanted_) std::erase(wanted, input.digest);
}

void AgentEngine::On(agent_input::OutputBlocked& input) {
  output_blocked_ = std::move(input.reason);
  if (!output_blocked_.empty()) launcher_.OutputHeldBack();
}

void AgentEngine::On(agent_input::DiskChanged& input) {
  disk_ = std::move(input);
}

void AgentEngine::On(agent_input::LauncherConnected& input) {
  launcher_.Connected(input.pid, now_.mono);
}

void AgentEngine::On(agent_input::Inspect& input) {
  input.read(queue_);
}

void AgentEngine::CloseStream(StreamId stream, Error why) {
  streams_.erase(stream);
  edges_.Close(stream, why);
}

void AgentEngine::CheckTimers() {
  launcher_.Look(now_.mono);
  if (auto due = queue_.NextDeadline(); due && *due <= now_.mono) Take(queue_.Apply(queue_event::Tick{}, now_));
  std::vector<StreamId> silent;
  for (const auto& [id, stream] : streams_)
    if (stream.session.Silent(now_)) silent.push_back(id);
  for (StreamId id : silent) CloseStream(id, {ErrorCode::kTimeout, "the coordinator was silent for 10 s"});
}

// ---- Effects ----------------------------------------------------------------------------------

void AgentEngine::Take(QueueDecision decision, const std::function<void(Result<RunId>)>* reply) {
  records_.insert(records_.end(), std::make_move_iterator(decision.records.begin()),
                  std::make_move_iterator(decision.records.end()));
  for (QueueEffect& effect : decision.effects) {
    if (auto* answer = std::get_if<queue_effect::SubmitReply>(&effect)) {
      if (reply && *reply) replies_.emplace_back(*reply, std::move(answer->result));
    } else {
      effects_.push_back(std::move(effect));
    }
  }
}

Status AgentEngine::WriteJournal() {
  if (in_doubt())
    RewriteWhatIsInDoubt();
  else
    CROMT_TRY(AppendRecords());
  if (in_doubt()) return {};
  if (!records_.empty()) edges_.Journaled(records_);
  for (const JournalRecord& record : records_)
    if (const auto* forgotten = std::get_if<journal::Forgotten>(&record)) edges_.Forgotten(forgotten->ticket);
  records_.clear();
  if (disk_full_.empty()) KeepReserve();
  return Compact();
}

Status AgentEngine::AppendRecords() {
  if (!records_.empty()) CROMT_TRY(journal_.Append(records_));
  if (replies_.empty()) return {};
  if (const Status synced = journal_.Sync(); synced) return {};
  if (const Status rewritten = journal_.Rewrite(queue_.Snapshot()); !rewritten) Doubt(rewritten.error());
  return {};
}

// What could not be synced may be gone from the file, too, also what was appended long before: the only copy then is
// here. A process that ended now would take with it what has begun and what has ended since the last sync, and the next
// would do it again. So it stays, and lets nothing leave, until the disk takes the whole again.
void AgentEngine::Doubt(const Error& why) {
  const bool begins = !in_doubt();
  doubt_ = "its journal could not be synced, and is written anew as soon as that can be done: " + why.message;
  rewrite_due_ = now_.mono + kRewriteRetry;
  if (begins) TellRefusal();
}

// What has gathered leaves once it is written, save for what loses nothing if this process ends before: stops, since
// the launcher says what became of who was stopped; and that a submit has to be repeated. No launch waits, since by
// then its lease may be over, or a coordinator may call it lost.
void AgentEngine::HoldBack() {
  std::vector<QueueEffect> held;
  for (QueueEffect& effect : std::exchange(effects_, {})) {
    if (const auto* launch = std::get_if<queue_effect::Launch>(&effect))
      Take(queue_.Apply(queue_event::LaunchHeld{launch->ticket}, now_));
    else if (std::holds_alternative<queue_effect::StopProcess>(effect))
      Carry(effect);
    else
      held.push_back(std::move(effect));
  }
  effects_.insert(effects_.begin(), std::make_move_iterator(held.begin()), std::make_move_iterator(held.end()));
  for (auto& [reply, result] : std::exchange(replies_, {}))
    reply(result ? tl::unexpected(Error{ErrorCode::kUnavailable, doubt_}) : std::move(result));
  // The whole will be written, so of these nobody needs to hear, however many come.
  std::erase_if(records_, [](const JournalRecord& record) {
    return std::holds_alternative<journal::Stored>(record) || std::holds_alternative<journal::MeshSeen>(record) ||
           std::holds_alternative<journal::Acked>(record);
  });
}

void AgentEngine::RewriteWhatIsInDoubt() {
  if (now_.mono < rewrite_due_) return;
  if (const Status rewritten = journal_.Rewrite(queue_.Snapshot()); !rewritten) return Doubt(rewritten.error());
  doubt_.clear();
}

Status AgentEngine::Compact() {
  if (journal_.size_bytes() <= compact_at_) return {};
  Status rewritten = journal_.Rewrite(queue_.Snapshot());
  if (!rewritten && rewritten.error().code != ErrorCode::kExhausted) return rewritten;
  // For want of room it is put off: what is there does.
  compact_at_ = rewritten ? std::max(kCompactAt, 4 * journal_.size_bytes()) : journal_.size_bytes() + kCompactAt / 4;
  return {};
}

void AgentEngine::KeepReserve() {
  Status kept = journal_.KeepReserve();
  disk_full_ = kept ? "" : kept.error().message;
  reserve_due_ = now_.mono + kReserveRetry;
}

const std::string& AgentEngine::Refusal() const {
  if (in_doubt()) return doubt_;
  if (!disk_full_.empty()) return disk_full_;
  // Before what the launcher has said itself: while it does not answer, nobody knows whether that still holds.
  if (!launcher_.silence().empty()) return launcher_.silence();
  return output_blocked_.empty() ? disk_.refusal : output_blocked_;
}

// At the beginning of a step, so that what comes with it is answered by what is so.
void AgentEngine::TellRefusal() {
  const bool refuses_as_before = Refusal() == queue_.refusal();
  if (refuses_as_before && disk_.warning == queue_.warning()) return;
  if (!refuses_as_before) edges_.Refuses(Refusal());
  Take(queue_.Apply(queue_event::Refuse{Refusal(), disk_.warning}, now_));
}

void AgentEngine::Carry(const QueueEffect& effect) {
  struct Visitor {
    AgentEngine& e;
    void operator()(const queue_effect::Prepare& a) const {
      if (const QueuedAttempt* attempt = e.queue_.Find(a.ticket)) e.edges_.Prepare(*attempt, a.slot);
    }
    void operator()(const queue_effect::StopPreparing& a) const { e.edges_.StopPreparing(a.ticket); }
    void operator()(const queue_effect::Launch& a) const {
      // The same step may have brought another launcher, and with it the attempt's end.
      const QueuedAttempt* attempt = e.queue_.Find(a.ticket);
      if (!attempt || attempt->phase != QueuedAttempt::Phase::kLaunching) return;
      e.launcher_.Started(a.ticket, e.now_.mono);
      e.edges_.Launch(*attempt, a.slot);
    }
    void operator()(const queue_effect::Publish& a) const {
      if (const QueuedAttempt* attempt = e.queue_.Find(a.ticket)) e.edges_.Publish(*attempt, a.slot);
    }
    void operator()(const queue_effect::StopProcess& a) const {
      // Its end may have come in the same step.
      const QueuedAttempt* attempt = e.queue_.Find(a.ticket);
      const bool runs = attempt && (attempt->phase == QueuedAttempt::Phase::kLaunching ||
                                    attempt->phase == QueuedAttempt::Phase::kRunning);
      if (runs && e.output_blocked_.empty()) e.launcher_.Stopped(a.ticket, attempt->spec->grace, e.now_.mono);
      e.edges_.StopProcess(a.ticket);
    }
    void operator()(const queue_effect::ForgetResult& a) const { e.edges_.ForgetResult(a.ticket); }
    void operator()(const queue_effect::CleanSlot& a) const { e.edges_.CleanSlot(a.slot); }
    void operator()(const queue_effect::ReportsReady&) const {}  // Flush polls the sessions
    void operator()(const queue_effect::JobChanged& a) const {
      const QueuedAttempt* job = e.queue_.Find(a.ticket);
      if (job && job->mesh == kPlainMesh) e.edges_.JobChanged(*job);
    }
    void operator()(const queue_effect::SubmitReply&) const {}  // taken out by Take
  };
  std::visit(Visitor{*this}, effect);
}

// What there is can't be said while the journal is in doubt: who waits for that is told why, and comes again.
void AgentEngine::EndUntold() {
  std::vector<StreamId> untold;
  for (const auto& [id, stream] : streams_)
    if (stream.session.greeted() && !stream.session.told()) untold.push_back(id);
  for (StreamId id : untold) CloseStream(id, {ErrorCode::kUnavailable, doubt_});
}

void AgentEngine::Flush() {
  if (in_doubt()) EndUntold();
  for (auto& [id, stream] : streams_) {
    if (!stream.writable) continue;
    FromAgent message = in_doubt() ? stream.session.PollSignsOfLife(queue_, now_) : stream.session.Poll(queue_, now_);
    if (message.empty()) continue;
    stream.writable = false;
    edges_.Send(id, std::move(message));
  }
}

}  // namespace cromt
