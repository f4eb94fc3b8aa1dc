#include "coordinator/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/recovery.h"
#include "core/lease.h"
#include "io/blob/ticket.h"

namespace cromt {
namespace {

constexpr Duration kFirstRedial = milliseconds(100);
constexpr Duration kLongestRedial = seconds(2);
// The transport gives a dial up before this, with the better words.
constexpr Duration kDialLimit = seconds(12);

constexpr char kWentBack[] =
    "the coordinator's store went back to an earlier state, and nothing is leased until "
    "`cromt-coordinator recover`";

constexpr char kFull[] =
    "the coordinator's disk is full, and nothing is started, canceled or leased until there is room";
constexpr Duration kRoomRetry = seconds(1);

// Instead of the grants, which are ours alone.
LeaseInputs WithTickets(const LeaseInputs& inputs, const AgentId& consumer, Wall now) {
  if (!inputs) return inputs;
  auto given = std::make_shared<std::vector<LeaseInput>>(*inputs);
  for (LeaseInput& input : *given) {
    const std::string grant = std::exchange(input.artifact.grant, {});
    input.ticket = MakeTicket(grant, input.artifact.digest, consumer, now + kTicketLife);
  }
  return given;
}

}  // namespace

Engine::Engine(Store& store, CoordinatorEdges& edges, Random& random, Options options)
    : store_(store), edges_(edges), random_(random), options_(std::move(options)), scheduler_(options_.limits) {}
Engine::~Engine() = default;

Status Engine::Start(const Registry::Parse& parse, Now now) {
  now_ = now;
  CROMT_ASSIGN(StoredState state, store_.Load());
  mesh_ = state.mesh;
  epoch_ = state.epoch;
  taken_up_ = commit_ = state.commit;
  CROMT_TRY(registry_.Restore(state, parse));
  std::atomic_store(&catalog_, registry_.catalog());
  kept_.insert(state.kept.begin(), state.kept.end());
  if (state.went_back) {
    held_ = kWentBack;
    edges_.Held(held_);
    (void)scheduler_.Restore(std::move(state.runs), std::move(state.agents), std::move(state.held), now);  // to look at
    return {};
  }
  Take(scheduler_.Restore(std::move(state.runs), std::move(state.agents), std::move(state.held), now,
                          std::move(state.drained)));
  for (const std::string& address : options_.agents) Take(scheduler_.WatchAgent(address, now));
  TakeUpStarts(state);
  CROMT_TRY(CommitAndRelease());
  HoldForRoom();
  return {};
}

Status Engine::Step(std::vector<EngineInput> inputs, Now now) {
  const std::optional<Mono> due = NextDeadline();
  now_ = now;
  // We were stopped, or waited for the disk, and neither heard nor called anybody: by then our agents have ended their
  // sessions, and are called again.
  if (due && now.mono - *due >= kUnreachableAfter && held_.empty()) Take(scheduler_.Apply(Resumed{}, now_));
  if (full_ && now.mono >= room_due_) GoOnIfThereIsRoom();
  for (EngineInput& input : inputs) std::visit([this](auto& i) { On(std::move(i)); }, input);
  if (went_back_ && held_.empty()) CROMT_TRY(Hold(*went_back_));
  CheckTimers();
  CheckStarts();
  CROMT_TRY(CommitAndRelease());
  Flush();
  HoldForRoom();
  return {};
}

std::optional<Mono> Engine::NextDeadline() const {
  if (full_) return room_due_;
  if (!held_.empty()) return std::nullopt;
  auto next = scheduler_.NextDeadline();
  auto at = [&](Mono t) { next = next ? std::min(*next, t) : t; };
  if (link_timer_) at(*link_timer_);
  if (const auto due = NextStart()) at(*due);
  return next;
}

// ---- Inputs -----------------------------------------------------------------------------------

void Engine::On(engine_input::LinkOpened input) {
  auto link = links_.find(input.link);
  if (link == links_.end()) return;
  CoordinatorHello hello{.mesh = mesh_, .epoch = epoch_, .session = next_session_++, .commit = taken_up_};
  link->second.session =
      std::make_unique<CoordinatorSession>(link->second.address, std::move(hello), now_, options_.batch);
  link->second.writable = true;
  Mono silence = link->second.session->NextDeadline();
  link_timer_ = link_timer_ ? std::min(*link_timer_, silence) : silence;
}

void Engine::On(engine_input::LinkMessage input) {
  auto found = links_.find(input.link);
  // What is proven to be older than what was made of it decides nothing any more by what agents have and lack.
  if (found == links_.end() || !found->second.session || went_back_) return;
  Link& link = found->second;
  if (const auto& hello = input.message.hello) {
    if (Status can = CheckSeen(*hello, epoch_, commit_); !can) return Break(input.link, can.error().message);
    // Who we have not met yet can't have seen what we have committed ourselves.
    const uint64_t may_have_seen = met_.insert(hello->agent).second ? taken_up_ : commit_;
    // Where several of us have committed since, only this tells: reports that were acknowledged are in the store. Of a
    // journal that another has replaced it does not know how many there were: a data directory may be put back.
    if (const auto applied = scheduler_.AppliedOf(hello->agent, hello->journal);
        applied && *applied < hello->acked_sequence)
      went_back_ = fmt::format("{}: of agent {} at {} {} reports were acknowledged, the store has {}", kWentBack,
                               hello->agent.text(), link.address, hello->acked_sequence, *applied);
    if (hello->seen_epoch > epoch_ || hello->seen_commit > may_have_seen)
      went_back_ = fmt::format(
          "{}: agent {} at {} has seen commit {} of epoch {}, the store is at commit {} of epoch {}", kWentBack,
          hello->agent.text(), link.address, hello->seen_commit, hello->seen_epoch, may_have_seen, epoch_);
    if (went_back_) return;
  }
  auto events = link.session->Receive(std::move(input.message), now_);
  if (!events) return Break(input.link, events.error().message);
  for (Event& event : *events) {
    // What is kept is said to nobody, and so neither stopped nor forgotten.
    if (auto* up = std::get_if<AgentUp>(&event); up && !kept_.empty())
      std::erase_if(up->inventory, [&](const InventoryItem& item) {
        return kept_.contains({up->hello.agent, item.id});
      });
    Take(scheduler_.Apply(event, now_));
  }
  if (link.session->greeted() && !std::exchange(link.live, true)) {
    targets_[link.address].backoff = Duration(0);
    edges_.CollectLogs(input.link, mesh_, link.session->agent().agent);
  }
  BringBlobs(input.link, link);
}

// Knowing the name of some bytes is no right to them.
void Engine::BringBlobs(LinkId id, Link& link) {
  const std::vector<Digest> wanted = link.session->TakeWantedBlobs();
  if (wanted.empty()) return;
  const auto sources = scheduler_.SourcesFor(link.session->agent().agent, wanted);
  for (size_t i = 0; i < wanted.size(); ++i)
    if (sources[i])
      edges_.PushBlob(id, link.address, wanted[i], *sources[i]);
    else
      link.session->AddBlobFailure({wanted[i], sources[i].error().message});
}

void Engine::On(engine_input::LinkWritable input) {
  if (auto link = links_.find(input.link); link != links_.end()) link->second.writable = true;
}

void Engine::On(engine_input::LinkClosed input) {
  if (const auto link = links_.find(input.link); link != links_.end() && input.misbehaved)
    edges_.Misbehaved(link->second.address, input.reason);
  CloseLink(input.link, input.reason, false);
}

void Engine::On(engine_input::BlobUndeliverable input) {
  auto link = links_.find(input.link);
  if (link != links_.end() && link->second.live) link->second.session->AddBlobFailure(std::move(input.failure));
}

// Among what this Step is about to commit, and in the store; empty if the request is new. A run may have ended since:
// the scheduler then no longer knows it.
Result<RunId> Engine::RunOfRequest(const RequestId& request) {
  for (const Record& record : records_) {
    const auto* created = std::get_if<RunCreated>(&record);
    if (created && created->header.request == request) return created->header.id;
  }
  return store_.FindRequest(request);
}

void Engine::On(engine_input::Ask input) {
  if (!held_.empty()) {
    if (input.reply)
      replies_.push_back(
          {std::move(input.reply), Fail(full_ ? ErrorCode::kExhausted : ErrorCode::kUnavailable, held_)});
    else if (full_)
      postponed_.push_back(std::move(input));
    return;
  }
  if (const auto* start = std::get_if<StartRun>(&input.event)) {
    auto before = RunOfRequest(start->request);
    if (!before || !before->empty()) {
      if (input.reply) replies_.push_back({std::move(input.reply), std::move(before)});
      return;
    }
  }
  Take(scheduler_.Apply(input.event, now_), &input.reply);
}

void Engine::On(engine_input::Apply input) {
  if (!held_.empty()) {
    applies_.push_back({std::move(input.reply), Fail(full_ ? ErrorCode::kExhausted : ErrorCode::kUnavailable, held_)});
    return;
  }
  auto decision = registry_.Decide(input.request, input.job_file, now_.wall);
  if (!decision) {
    applies_.push_back({std::move(input.reply), tl::unexpected<Error>(std::move(decision).error())});
    return;
  }
  if (decision->record) {
    registry_.Take(*decision->record, input.job_file);
    records_.push_back(*decision->record);
    std::vector<std::string> projects = decision->record->projects;
    const ProjectChanges& changes = decision->record->changes;
    projects.insert(projects.end(), changes.gone.begin(), changes.gone.end());
    projects.insert(projects.end(), changes.removed.begin(), changes.removed.end());
    SetStarts(projects);
  }
  applies_.push_back({std::move(input.reply), std::move(decision->answer)});
}

// What was found to be past may not be by now.
void Engine::On(engine_input::LetGo input) {
  if (!held_.empty()) {
    replies_.push_back({std::move(input.reply), Fail(full_ ? ErrorCode::kExhausted : ErrorCode::kUnavailable, held_)});
    return;
  }
  const std::set<RunId> hold_lanes = scheduler_.RunsThatHoldLanes();
  const auto needed = [&](const RunId& run) { return scheduler_.IsUnfinished(run) || hold_lanes.contains(run); };
  for (Record& record : input.records) {
    if (const auto* run = std::get_if<RunRemoved>(&record); run && needed(run->run)) continue;
    if (const auto* output = std::get_if<OutputRemoved>(&record); output && needed(output->run)) continue;
    records_.push_back(std::move(record));
  }
  replies_.push_back({std::move(input.reply), RunId()});
}

// While nothing is dialled, it is not either: then the first run that needs it does, or the next start.
void Engine::On(engine_input::AgentKnown input) {
  if (held_.empty()) Take(scheduler_.WatchAgent(input.address, now_));
}

void Engine::On(engine_input::Inspect input) {
  input.read(*this);
}

// ---- Links ------------------------------------------------------------------------------------

CoordinatorSession* Engine::LiveSession(const std::string& address) {
  auto target = targets_.find(address);
  if (target == targets_.end()) return nullptr;
  auto link = links_.find(target->second.link);
  return link == links_.end() || !link->second.live ? nullptr : link->second.session.get();
}

void Engine::Break(LinkId id, const std::string& what) {
  const std::string reason = "protocol error: " + what;
  edges_.Misbehaved(links_.at(id).address, reason);
  CloseLink(id, reason, true);
}

void Engine::CloseLink(LinkId id, const std::string& reason, bool tell_edges) {
  auto found = links_.find(id);
  if (found == links_.end()) return;
  std::string address = found->second.address;
  links_.erase(found);
  if (tell_edges) edges_.Close(id, reason);
  Target& target = targets_[address];
  target.link = 0;
  target.backoff = std::min(kLongestRedial, std::max(kFirstRedial, target.backoff * 2));
  // Up to half as much again, so that many links lost at once do not come back at once.
  Duration jitter(static_cast<int64_t>(random_.Below(static_cast<uint64_t>(target.backoff.count() / 2 + 1))));
  target.redial_at = now_.mono + target.backoff + jitter;
  link_timer_ = link_timer_ ? std::min(*link_timer_, target.redial_at) : target.redial_at;
  Take(scheduler_.Apply(AgentDown{address, reason}, now_));
}

// What has not been committed yet is: it was decided by what is here. Then nothing more leaves.
Status Engine::Hold(const std::string& why) {
  CROMT_TRY(CommitAndRelease());
  CROMT_TRY(store_.WentBack());
  held_ = why;
  full_ = false;  // this lasts longer
  CloseAllLinks(kWentBack);
  targets_.clear();
  edges_.Held(held_);
  return {};
}

// Without a word to the scheduler.
void Engine::CloseAllLinks(const std::string& reason) {
  for (const auto& [id, link] : links_) edges_.Close(id, reason);
  for (auto& [address, target] : targets_) target.link = 0;
  links_.clear();
  link_timer_.reset();
}

void Engine::HoldForRoom() {
  if (!held_.empty()) return;
  Status kept = store_.KeepReserve(scheduler_.largest_decision_bytes());
  if (kept || kept.error().code != ErrorCode::kExhausted) return;  // what else is wrong shows where it matters
  full_ = true;
  room_due_ = now_.mono + kRoomRetry;
  held_ = fmt::format("{}: {}", kFull, kept.error().message);
  CloseAllLinks(kFull);
  edges_.Held(held_);
}

void Engine::GoOnIfThereIsRoom() {
  room_due_ = now_.mono + kRoomRetry;
  if (!store_.KeepReserve(scheduler_.largest_decision_bytes())) return;
  full_ = false;
  held_.clear();
  edges_.Held("");
  link_timer_ = now_.mono;
  for (auto& [address, target] : targets_) target.redial_at = now_.mono;
  Take(scheduler_.Apply(Resumed{"the coordinator's disk was full"}, now_));
  for (engine_input::Ask& ask : std::exchange(postponed_, {})) On(std::move(ask));
}

void Engine::CheckTimers() {
  if (!held_.empty()) return;
  if (auto due = scheduler_.NextDeadline(); due && *due <= now_.mono) Take(scheduler_.Apply(ClockTick{}, now_));
  if (!link_timer_ || *link_timer_ > now_.mono) return;
  link_timer_.reset();
  std::vector<LinkId> silent;
  std::optional<Mono> next;
  auto at = [&](Mono t) { next = next ? std::min(*next, t) : t; };
  for (const auto& [id, link] : links_) {
    Mono limit = link.session ? link.session->NextDeadline() : link.dialled_at + kDialLimit;
    if (now_.mono >= limit)
      silent.push_back(id);
    else
      at(limit);
  }
  for (LinkId id : silent) CloseLink(id, links_.at(id).session ? "it was silent for 10 s" : "no answer", true);
  for (auto& [address, target] : targets_) {
    if (target.link != 0 || !target.wanted) continue;
    if (target.redial_at > now_.mono) {
      at(target.redial_at);
      continue;
    }
    target.link = next_link_++;
    links_[target.link] = {.address = address, .dialled_at = now_.mono};
    at(now_.mono + kDialLimit);
    edges_.Dial(address, target.link);
  }
  if (next) link_timer_ = link_timer_ ? std::min(*link_timer_, *next) : next;
}

void Engine::Flush() {
  for (auto& [id, link] : links_) {
    if (!link.writable || !link.session) continue;
    ToAgent message = link.session->Poll();
    if (message.empty()) continue;
    link.writable = false;
    edges_.Send(id, std::move(message));
  }
}

// ---- Effects ----------------------------------------------------------------------------------

void Engine::Take(Decision decision, const std::function<void(Result<RunId>)>* reply) {
  records_.insert(records_.end(), std::make_move_iterator(decision.records.begin()),
                  std::make_move_iterator(decision.records.end()));
  for (Effect& effect : decision.effects) {
    if (auto* answer = std::get_if<Reply>(&effect)) {
      if (reply && *reply) replies_.push_back({*reply, std::move(answer->result)});
    } else {
      effects_.push_back(std::move(effect));
    }
  }
}

Status Engine::CommitAndRelease() {
  if (!records_.empty()) {
    auto committed = store_.Commit(records_);
    if (!committed) {
      for (PendingReply& pending : std::exchange(replies_, {})) pending.reply(tl::unexpected<Error>(committed.error()));
      for (PendingApply& pending : std::exchange(applies_, {})) pending.reply(tl::unexpected<Error>(committed.error()));
      return tl::unexpected<Error>(std::move(committed).error());
    }
    commit_ = *committed;
    edges_.Committed(records_);
    std::map<RunId, bool> changed;  // true = finished
    for (const Record& record : records_) {
      if (const auto* r = std::get_if<RunCreated>(&record)) changed.emplace(r->header.id, false);
      if (const auto* r = std::get_if<RunChanged>(&record)) changed[r->run] |= r->status.state == RunState::kFinished;
      if (const auto* r = std::get_if<TaskChanged>(&record)) changed.emplace(r->run, false);
    }
    records_.clear();
    std::atomic_store(&catalog_, registry_.catalog());
    std::vector<RunChange> changes;
    for (const auto& [run, finished] : changed) changes.push_back({run, finished});
    if (!changes.empty()) edges_.Published(changes);
  }
  for (Effect& effect : std::exchange(effects_, {})) Carry(effect);
  for (PendingReply& pending : std::exchange(replies_, {})) pending.reply(std::move(pending.result));
  for (PendingApply& pending : std::exchange(applies_, {})) pending.reply(std::move(pending.result));
  return {};
}

void Engine::Carry(Effect& effect) {
  struct Visitor {
    Engine& e;
    void operator()(DialAgent& a) const {
      Target& target = e.targets_[a.address];
      target.wanted = true;
      if (target.link == 0 && target.redial_at < e.now_.mono) target.redial_at = e.now_.mono;
      e.link_timer_ = e.link_timer_ ? std::min(*e.link_timer_, target.redial_at) : target.redial_at;
    }
    void operator()(HangUpAgent& a) const {
      Target& target = e.targets_[a.address];
      target.wanted = false;
      target.redial_at = e.now_.mono + kLongestRedial;  // should it be dialled again
      LinkId link = std::exchange(target.link, 0);
      e.links_.erase(link);
      if (link != 0) e.edges_.Close(link, a.reason);
    }
    void operator()(SendVerdicts& a) const {
      if (auto* session = e.LiveSession(a.address)) session->AddVerdicts(std::move(a.verdicts));
    }
    void operator()(SendLease& a) const {
      auto* session = e.LiveSession(a.address);
      if (!session) return;
      a.lease.inputs = WithTickets(a.lease.inputs, session->agent().agent, e.now_.wall);
      if (!a.lease.spec->secrets.empty()) a.lease.secrets = e.edges_.SecretsOf(*a.lease.spec);
      session->AddLease(std::move(a.lease));
      session->AddAck({0, e.commit_});  // whoever has an attempt that a restored store does not know can prove it
    }
    void operator()(SendStop& a) const {
      if (auto* session = e.LiveSession(a.address)) session->AddStop(std::move(a.id));
    }
    void operator()(SendAck& a) const {
      if (auto* session = e.LiveSession(a.address)) session->AddAck({a.sequence, e.commit_});
    }
    void operator()(ResolveSources& a) const { e.edges_.Resolve(a); }
    void operator()(Reply&) const {}  // taken out by Take
  };
  std::visit(Visitor{*this}, effect);
}

}  // namespace cromt
