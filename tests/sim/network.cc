#include "tests/sim/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/lease.h"
#include "io/seglog/reader.h"
#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"

namespace cromt::sim {
namespace {

// A dial is given up after this long (AgentTransport::Dial).
constexpr Duration kDialLimit = seconds(10);

}  // namespace

std::vector<std::string> Network::AddressesOf(const SimHost& host) const {
  std::vector<std::string> addresses;
  for (const auto& [address, named] : addresses_)
    if (named == &host) addresses.push_back(address);
  return addresses;
}

// ---- Links ------------------------------------------------------------------------------------

Network::LinkPtr Network::ByKey(uint64_t key) const {
  auto found = links_.find(key);
  return found == links_.end() ? nullptr : found->second;
}

// A coordinator numbers the links of each of its lives from 1; of earlier lives its end is closed.
Network::LinkPtr Network::ById(const SimCoordinator& coordinator, LinkId id) const {
  for (const auto& [key, link] : links_)
    if (link->coordinator == &coordinator && link->id == id && link->open[kCoordinator]) return link;
  return nullptr;
}

Network::LinkPtr Network::AnyOf(const SimHost& host) const {
  for (const auto& [key, link] : links_)
    if (link->host == &host && link->open[kAgent] && !link->cut && !link->black[kAgent] && !link->black[kCoordinator])
      return link;
  return nullptr;
}

void Network::Drop(const LinkPtr& link) {
  if (link->open[kCoordinator] || link->open[kAgent]) return;
  link->watcher.Ended();
  links_.erase(link->key);
}

Duration Network::Arrival(const Link& link, Duration& last) {
  Dice& dice = world_.dice;
  Duration delay =
      dice.PerCent(95) ? dice.Between(Duration(50), milliseconds(2)) : dice.Between(Duration(0), milliseconds(500));
  Duration arrival = std::max(last, world_.timeline.now() + delay);
  if (auto stall = stalled_until_.find(link.host); !healed_ && stall != stalled_until_.end())
    arrival = std::max(arrival, stall->second + delay);
  if (arrival > world_.timeline.now() + seconds(1)) world_.situations.Saw("network", "a message is late");
  return last = arrival;
}

// A link is a stream of HTTP/2 on TCP: what is sent arrives in its order and once, or gets lost with all that follows.
// What comes out of order or twice comes by another link.
void Network::DeliverAt(Duration arrival, const LinkPtr& link, Side to, std::string_view kind,
                        std::function<void()> action) {
  world_.timeline.At(arrival, kind, link->key, [this, link, to, action = std::move(action)] {
    if (link->cut || link->black[to]) world_.situations.Saw("network", "a message is lost");
    if (link->cut || link->black[to] || !link->open[to]) return;
    uint64_t& newest = newest_heard_[{link->host, to}];
    if (link->key < newest) world_.situations.Saw("network", "a message comes after those of a newer link");
    newest = std::max(newest, link->key);
    action();
  });
}

void Network::CheckBounds(Link& link, Side by, std::initializer_list<size_t> sizes) {
  auto wrong = [&](const std::string& what) {
    world_.ledger.Violation(fmt::format("invariant 9: the {} of stream {} sends {}",
                                        by == kAgent ? "agent" : "coordinator", link.key, what));
  };
  if (std::exchange(link.writing[by], true)) wrong("before what it has sent last has left");
  if (const size_t most = std::max(sizes); most > world_.batch)
    wrong(fmt::format("{} items of a kind, and {} is the limit", most, world_.batch));
}

void Network::SeeReports(Link& link, const FromAgent& message) {
  if (message.hello) link.journal = message.hello->journal;
  if (message.reports.empty()) return;
  uint64_t& newest = reported_[link.journal];
  if (message.reports.front().sequence <= newest) world_.situations.Saw("network", "a report comes again");
  newest = std::max(newest, message.reports.back().sequence);
}

// ---- Opening ----------------------------------------------------------------------------------

void Network::Dial(SimCoordinator& from, const std::string& address, LinkId id) {
  auto link = std::make_shared<Link>(world_.situations);
  link->key = next_key_++;
  link->coordinator = &from;
  link->id = id;
  link->host = addresses_.at(address);
  links_.emplace(link->key, link);
  world_.timeline.At(Arrival(*link, link->last_arrival[kAgent]), "dialled", link->key, [this, link] { Arrive(link); });
  world_.timeline.After(kDialLimit, "dial limit", link->key, [this, link] {
    if (!link->open[kAgent]) Refuse(link, "no answer within 10 s");
  });
}

void Network::Arrive(const LinkPtr& link) {
  if (!link->open[kCoordinator]) return;
  if (!link->host->on()) return;  // nobody answers
  if (!link->host->up() || world_.dice.PerMille(20)) {
    world_.timeline.At(Arrival(*link, link->last_arrival[kCoordinator]), "refused", link->key,
                       [this, link] { Refuse(link, "connection refused"); });
    return;
  }
  link->open[kAgent] = true;
  link->host->Post(agent_input::StreamOpened{link->key});
  Deliver(link, kCoordinator, "opened", [link] {
    link->watcher.Opened();
    link->coordinator->Post(engine_input::LinkOpened{link->id});
  });
}

void Network::Refuse(const LinkPtr& link, const std::string& reason) {
  if (!std::exchange(link->open[kCoordinator], false)) return;
  link->coordinator->Post(engine_input::LinkClosed{link->id, reason});
  Drop(link);
}

// ---- Messages ---------------------------------------------------------------------------------

void Network::Send(SimCoordinator& from, LinkId id, cromt::ToAgent message) {
  LinkPtr link = ById(from, id);
  if (!link) return;
  CheckBounds(*link, kCoordinator,
              {message.leases.size(), message.verdicts.size(), message.stops.size(), message.blob_failures.size()});
  std::optional<uint64_t> epoch;
  if (message.hello) epoch = message.hello->epoch;
  if (from.is_second()) {
    if (!message.leases.empty()) world_.situations.Saw("two coordinators", "the second leases");
    for (const Lease& lease : message.leases) world_.ledger.SecondLeases(lease.id);
    for (const AttemptId& stopped : message.stops) world_.ledger.SecondStops(stopped);
    for (const Verdict& verdict : message.verdicts)
      if (verdict.kind == Verdict::Kind::kStop) world_.ledger.SecondStops(verdict.id);
  }
  for (const Lease& lease : message.leases) world_.ledger.Leased(lease.id);
  if (world_.options.bugs.to_agent) world_.options.bugs.to_agent(message);
  for (Lease& lease : message.leases) {
    if (!world_.dice.PerMille(5)) continue;
    lease = {.id = lease.id, .wrong = "spec: is of a later version"};
    world_.ledger.CouldNotStart(lease.id);
  }
  Deliver(link, kAgent, "to agent", [link, message, epoch] {
    link->watcher.See(message);
    if (epoch) link->host->Greeted(link->key, *epoch, link->coordinator->is_second());
    link->host->Post(agent_input::StreamMessage{link->key, message});
  });
  Writable(link, kCoordinator);
}

void Network::Send(StreamId stream, FromAgent message) {
  LinkPtr link = ByKey(stream);
  if (!link) return;
  CheckBounds(*link, kAgent, {message.inventory.size(), message.reports.size(), message.wanted_blobs.size()});
  if (world_.options.bugs.from_agent) world_.options.bugs.from_agent(message);
  Deliver(link, kCoordinator, "from agent", [this, link, message] {
    link->watcher.See(message);
    SeeReports(*link, message);
    link->coordinator->Post(engine_input::LinkMessage{link->id, message});
  });
  Writable(link, kAgent);
}

// What was sent has left for the kernel's buffers, which a black link fills sooner or later, and a busy one for a
// while.
void Network::Writable(const LinkPtr& link, Side side) {
  if (link->black[side == kAgent ? kCoordinator : kAgent] && world_.dice.PerCent(50)) return;
  const Duration most = world_.dice.PerCent(95) ? milliseconds(1) : milliseconds(500);
  world_.timeline.After(world_.dice.Between(Duration(10), most), "writable", link->key, [link, side] {
    if (link->cut || !link->open[side]) return;
    link->writing[side] = false;
    if (side == kAgent)
      link->host->Post(agent_input::StreamWritable{link->key});
    else
      link->coordinator->Post(engine_input::LinkWritable{link->id});
  });
}

// ---- Output -----------------------------------------------------------------------------------

void Network::CollectLogs(SimCoordinator& from, LinkId id, const MeshId& mesh, const AgentId& agent) {
  if (LinkPtr link = ById(from, id))
    DeliverOutput(link, kAgent, "collects output", [this, link, mesh, agent] { Subscribe(link, mesh, agent); });
}

// As the agent's service: from where this mesh's unstored output begins.
void Network::Subscribe(const LinkPtr& link, const MeshId& mesh, const AgentId& agent) {
  if (!link->host->up()) return;
  const uint64_t from = link->output_stored = link->host->queue().LogsStoredTo(mesh);
  const bool little = world_.dice.PerCent(30);
  LogSubscription wanted{
      .mesh = mesh,
      .from = from,
      .credit_bytes = little ? 1 : 1 << 20,
      .deliver = [this, key = link->key, mesh, agent](LogBatch batch) {
        LinkPtr of = ByKey(key);
        if (!of) return;
        if (batch.done) return CollectAgain(of, mesh, agent, batch.problem);
        LogIntake::Batch sent{
            agent, {}, [this, key, mesh, position = batch.position] { OutputStored(key, mesh, position); }};
        for (LogChunk& chunk : batch.chunks)
          sent.chunks.push_back({chunk.attempt, chunk.stream, chunk.offset, chunk.at, std::move(chunk.data)});
        DeliverOutput(of, kCoordinator, "output", [of, sent = std::move(sent)] { of->coordinator->TakeOutput(sent); });
      }};
  auto open = [host = link->host](seglog::Position at) -> Result<std::unique_ptr<seglog::FrameSource>> {
    CROMT_ASSIGN(auto reader, seglog::Reader::Open(kHostLog, at, host->disk()));
    return std::make_unique<seglog::Reader>(std::move(reader));
  };
  auto attempt_of = [host = link->host](Ticket ticket, const MeshId& of) { return host->AttemptOf(ticket, of); };
  link->output.emplace(std::move(wanted), std::move(open), std::move(attempt_of));
  ServeOutput(link);
}

// As the collector does whose call has ended.
void Network::CollectAgain(const LinkPtr& link, const MeshId& mesh, const AgentId& agent, const std::string& problem) {
  world_.timeline.Note(fmt::format("output of {} ends: {}", agent.text(), problem));
  DeliverAt(world_.timeline.now() + seconds(1), link, kAgent, "collects output again",
            [this, link, mesh, agent] { Subscribe(link, mesh, agent); });
}

void Network::OutputGrew(const SimHost& host) {
  auto links = links_;
  for (const auto& [key, link] : links)
    if (link->host == &host) ServeOutput(link);
}

void Network::ServeOutput(const LinkPtr& link) {
  if (!link->output || link->cut || !link->open[kAgent] || !link->host->up()) return;
  while (link->output->Serve()) {
  }
}

// The coordinator says so.
void Network::OutputStored(uint64_t key, const MeshId& mesh, uint64_t position) {
  LinkPtr link = ByKey(key);
  if (!link || !link->open[kCoordinator]) return;
  DeliverOutput(link, kAgent, "output stored", [this, link, mesh, position] {
    if (!link->output) return;
    link->output->Acknowledge(position);
    world_.outputs.Stored(link->host->index(), std::exchange(link->output_stored, position), position,
                          link->coordinator);
    link->host->Post(agent_input::Tell{queue_event::LogsStored{mesh, position}, {}});
    ServeOutput(link);
  });
}

SimHost* Network::HostAt(const std::string& address) const {
  const auto found = addresses_.find(address);
  return found == addresses_.end() ? nullptr : found->second;
}

// ---- Endings ----------------------------------------------------------------------------------

// The other end of `by` hears that the link is gone, after what was sent to it before.
void Network::NoticeEnd(const LinkPtr& link, Side by) {
  Side other = by == kAgent ? kCoordinator : kAgent;
  if (!link->open[other]) return;
  if (world_.dice.PerCent(30)) link->cut = true;  // a reset: what is on its way is not read any more
  world_.timeline.At(Arrival(*link, link->last_arrival[other]), "end noticed", link->key, [this, link, other] {
    if (link->black[other] || !std::exchange(link->open[other], false)) return;
    if (other == kAgent)
      link->host->Post(agent_input::StreamClosed{link->key});
    else
      link->coordinator->Post(engine_input::LinkClosed{link->id, "the connection was closed"});
    Drop(link);
  });
}

void Network::LeaveLink(const LinkPtr& link, Side side) {
  if (!link || !std::exchange(link->open[side], false)) return;
  if (side == kAgent) link->output.reset();
  NoticeEnd(link, side);
  Drop(link);
}

void Network::CloseByCoordinator(SimCoordinator& from, LinkId id) {
  LeaveLink(ById(from, id), kCoordinator);
}
void Network::CloseByAgent(StreamId stream) {
  LeaveLink(ByKey(stream), kAgent);
}

void Network::CoordinatorDied(const SimCoordinator& coordinator) {
  auto links = links_;
  for (const auto& [key, link] : links)
    if (link->coordinator == &coordinator) LeaveLink(link, kCoordinator);
}

void Network::CoordinatorsMachineDied(const SimCoordinator& coordinator) {
  auto links = links_;
  for (const auto& [key, link] : links) {
    if (link->coordinator != &coordinator) continue;
    link->black = {true, true};
    link->open[kCoordinator] = false;
    Drop(link);
  }
}

void Network::AgentDied(const SimHost& host) {
  auto links = links_;
  for (const auto& [key, link] : links)
    if (link->host == &host) LeaveLink(link, kAgent);
}

void Network::HostDied(const SimHost& host) {
  auto links = links_;
  for (const auto& [key, link] : links) {
    if (link->host != &host) continue;
    link->black = {true, true};
    link->open[kAgent] = false;
    link->output.reset();
    Drop(link);
  }
}

// ---- Faults -----------------------------------------------------------------------------------

bool Network::Cut(const SimHost& host) {
  LinkPtr link = AnyOf(host);
  if (!link) return false;
  NoticeEnd(link, kAgent);
  NoticeEnd(link, kCoordinator);
  link->cut = true;
  return true;
}

bool Network::TurnBlack(const SimHost& host, Way way) {
  LinkPtr link = AnyOf(host);
  if (!link) return false;
  link->black[kAgent] = way != Way::kFromHost;
  link->black[kCoordinator] = way != Way::kToHost;
  return true;
}

void Network::Stall(const SimHost& host, Duration until) {
  Duration& stalled = stalled_until_[&host];
  stalled = std::max(stalled, until);
}

bool Network::IsStalled(const SimHost& host) const {
  const auto stalled = stalled_until_.find(&host);
  return !healed_ && stalled != stalled_until_.end() && world_.timeline.now() < stalled->second + seconds(1);
}

bool Network::WasWell(const LinkPtr& link) const {
  constexpr std::array kBoth = {true, true}, kNeither = {false, false};
  if (!link || link->cut || link->black != kNeither || link->open != kBoth || !link->host->up()) return false;
  const Duration now = world_.timeline.now();
  for (Duration last : link->last_arrival)
    if (last > now + seconds(1)) return false;  // it has been stalled
  const auto stalled = stalled_until_.find(link->host);
  const Duration since = std::max(link->host->well_since(), link->coordinator->well_since());
  return now >
         std::max(since, stalled == stalled_until_.end() ? since : stalled->second) + kUnreachableAfter + seconds(5);
}

void Network::Heal() {
  healed_ = true;  // what is on its way comes as late as it would
}

}  // namespace cromt::sim
