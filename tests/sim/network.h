// The simulated network between the coordinator and the agents, as TCP is seen from above: what one end sends arrives
// in order and whole, or the link ends. A cut drops what is on its way and is noticed by each end in its own time; a
// black link swallows what is sent in one direction or both, silently; a stalled host's traffic arrives late, maybe
// after its link was given up.
#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/log_follower.h"
#include "coordinator/engine.h"
#include "tests/sim/watcher.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class SimCoordinator;
class SimHost;

class Network {
 public:
  explicit Network(World& world) : world_(world) {}
  // They outlive the network. `addresses` name hosts, several may name one.
  void Connect(std::map<std::string, SimHost*> addresses) { addresses_ = std::move(addresses); }

  // A coordinator's end; each numbers its links by itself.
  void Dial(SimCoordinator& from, const std::string& address, LinkId link);
  void CloseByCoordinator(SimCoordinator& from, LinkId link);
  void Send(SimCoordinator& from, LinkId link, cromt::ToAgent message);
  // The coordinator gets the agent's output, as long as the link is there.
  void CollectLogs(SimCoordinator& from, LinkId link, const MeshId& mesh, const AgentId& agent);
  bool IsOpen(const SimCoordinator& coordinator, LinkId link) const { return ById(coordinator, link) != nullptr; }
  // The kernel ends the links of a dead process.
  void CoordinatorDied(const SimCoordinator& coordinator);
  // No link is ended properly.
  void CoordinatorsMachineDied(const SimCoordinator& coordinator);

  // The agent's end; a stream is a link's key.
  void CloseByAgent(StreamId stream);
  void Send(StreamId stream, FromAgent message);
  void OutputGrew(const SimHost& host);
  void AgentDied(const SimHost& host);
  // Nobody is left to say that the links are gone.
  void HostDied(const SimHost& host);

  // Faults. False if there is no link to harm.
  bool Cut(const SimHost& host);
  // What is sent from now on gets lost, silently: to the host, from it, or both ways.
  enum class Way { kToHost, kFromHost, kBoth };
  bool TurnBlack(const SimHost& host, Way way);
  void Stall(const SimHost& host, Duration until);
  void Heal();
  // Null if there is none.
  SimHost* HostAt(const std::string& address) const;
  std::vector<std::string> AddressesOf(const SimHost& host) const;
  // The link is open at both ends, and for longer than anybody is silent nothing has harmed it or who speaks on it.
  bool WasWell(const SimCoordinator& coordinator, LinkId id) const { return WasWell(ById(coordinator, id)); }
  bool WasWell(StreamId stream) const { return WasWell(ByKey(stream)); }
  // What is sent to or by the host arrives late, or something has only just arrived so.
  bool IsStalled(const SimHost& host) const;

 private:
  enum Side { kCoordinator, kAgent };
  struct Link {
    explicit Link(Situations& situations) : watcher(situations) {}
    SessionWatcher watcher;
    uint64_t key = 0;
    SimCoordinator* coordinator = nullptr;
    LinkId id = 0;
    SimHost* host = nullptr;
    std::array<bool, 2> open = {true, false};  // the end takes part
    bool cut = false;
    std::array<bool, 2> black{};  // what is sent to this side gets lost
    std::array<Duration, 2> last_arrival{}, last_output{};
    std::array<bool, 2> writing{};      // what this side has sent last has not left it yet
    JournalId journal;                  // of the agent
    std::optional<LogFollower> output;  // at the agent, once it was asked for that
    uint64_t output_stored = 0;         // so far: a position
  };
  using LinkPtr = std::shared_ptr<Link>;

  LinkPtr ByKey(uint64_t key) const;
  bool WasWell(const LinkPtr& link) const;
  LinkPtr ById(const SimCoordinator& coordinator, LinkId id) const;
  LinkPtr AnyOf(const SimHost& host) const;
  // When what is sent now arrives: after `last`, which was sent before it, and not while the host is stalled.
  Duration Arrival(const Link& link, Duration& last);
  void Deliver(const LinkPtr& link, Side to, std::string_view kind, std::function<void()> action) {
    DeliverAt(Arrival(*link, link->last_arrival[to]), link, to, kind, std::move(action));
  }
  void DeliverAt(Duration arrival, const LinkPtr& link, Side to, std::string_view kind, std::function<void()> action);
  // What is said of output, which has a stream of its own.
  void DeliverOutput(const LinkPtr& link, Side to, std::string_view kind, std::function<void()> action) {
    DeliverAt(Arrival(*link, link->last_output[to]), link, to, kind, std::move(action));
  }
  void Arrive(const LinkPtr& link);
  void Refuse(const LinkPtr& link, const std::string& reason);
  void NoticeEnd(const LinkPtr& link, Side by);
  void LeaveLink(const LinkPtr& link, Side side);
  // One message leaves after another, and each holds so many items of a kind at most, whatever waits: `sizes`.
  void CheckBounds(Link& link, Side by, std::initializer_list<size_t> sizes);
  void Writable(const LinkPtr& link, Side side);
  void Subscribe(const LinkPtr& link, const MeshId& mesh, const AgentId& agent);
  void CollectAgain(const LinkPtr& link, const MeshId& mesh, const AgentId& agent, const std::string& problem);
  void ServeOutput(const LinkPtr& link);
  void OutputStored(uint64_t key, const MeshId& mesh, uint64_t position);
  void Drop(const LinkPtr& link);
  void SeeReports(Link& link, const FromAgent& message);

  World& world_;
  std::map<std::string, SimHost*> addresses_;
  uint64_t next_key_ = 1;
  std::map<uint64_t, LinkPtr> links_;                 // those of which an end is open
  std::map<const SimHost*, Duration> stalled_until_;  // looked up, never walked
  bool healed_ = false;                               // nothing that is sent now is stalled
  // For what has occurred.
  std::map<std::pair<const SimHost*, Side>, uint64_t> newest_heard_;  // the newest link's key
  std::map<JournalId, uint64_t> reported_;
};

}  // namespace cromt::sim
