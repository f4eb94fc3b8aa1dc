// The coordinator without its threads: scheduler, sessions, registry and store, driven by batches of inputs.
//
//   Step(inputs, now):  1. every input becomes events; each decision's records and effects are gathered
//                       2. store.Commit(all records)        — one transaction, on disk
//                       3. only then the effects leave: leases and acks into the sessions, replies, dials
//                       4. every session that could write gets what has gathered for it
//
// When the disk is full, the batch under way is committed in the room that the store keeps for that, and then all holds
// still: no link is open, no time passes, nothing is taken. Agents keep what they have to report. Tried each second;
// with room again it goes on as after links that were lost.
//
// The loop (coordinator.h) runs it in production; the simulator (tests/sim) runs the same class. Not thread-safe.
// After an error of Step the process must end: its state is ahead of the disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/random.h"
#include "coordinator/registry.h"
#include "coordinator/run_change.h"
#include "coordinator/store/store.h"
#include "coordinator/transport.h"
#include "core/coordinator_session.h"
#include "core/scheduler.h"
#include "core/schedules.h"
#include "core/triggers.h"

namespace cromt {

// ---- Inputs -----------------------------------------------------------------------------------

class Engine;

namespace engine_input {

// The link is open: the first message may be written.
struct LinkOpened {
  LinkId link = 0;
};
struct LinkMessage {
  LinkId link = 0;
  FromAgent message;
  std::shared_ptr<void> untaken = {};  // let go of once it was taken in: the link may then read on
};
// What was sent has left: the next may be written.
struct LinkWritable {
  LinkId link = 0;
};
// It failed to open, or broke. No input of this link follows.
struct LinkClosed {
  LinkId link = 0;
  std::string reason;
  bool misbehaved = false;  // the agent said what no honest one says
};
// The answer to PushBlob where it can't be done.
struct BlobUndeliverable {
  LinkId link = 0;
  BlobFailure failure;
};
// An event for the scheduler; `reply`, if any, is called once the answer is on disk.
struct Ask {
  Event event;
  std::function<void(Result<RunId>)> reply;
};
struct Apply {
  ApplyRequest request;
  std::shared_ptr<const JobFile> job_file;
  std::function<void(Result<ApplyAnswer>)> reply;
};
// The answer to CoordinatorEdges::PlanTick: what starts its run, or why there is none. The engine gives it its request.
struct TickPlanned {
  DueTick tick;
  Result<StartRun> start;
};
// The answer to CoordinatorEdges::LookAt: the commit, 40 hex digits, or why it is not known.
struct RefLooked {
  WatchedRef ref;
  Result<std::string> commit;
};
// The answer to CoordinatorEdges::PlanPush, as that to PlanTick.
struct PushPlanned {
  DuePush push;
  Result<StartRun> start;
};
// A hook says that something was pushed to what `project` watches. The answer has no run.
struct HookCame {
  std::string project;
  std::function<void(Result<RunId>)> reply;
};
// Retention wants these removed, which takes one commit; but for runs that have not ended, or still hold lanes. The
// answer has no run.
struct LetGo {
  std::vector<Record> records;
  std::function<void(Result<RunId>)> reply;
};
// A pause, or (without `pause`) the end of the one of `project`. The answer has no run.
struct SetPause {
  std::string project;
  std::optional<Paused> pause;
  std::function<void(Result<RunId>)> reply;
};
// An agent that is to be kept connected, as those of Engine::Options::agents.
struct AgentKnown {
  std::string address;
};
// Calls `read` with the engine between two batches.
struct Inspect {
  std::function<void(const Engine&)> read;
};

}  // namespace engine_input

using EngineInput =
    std::variant<engine_input::LinkOpened, engine_input::LinkMessage, engine_input::LinkWritable,
                 engine_input::LinkClosed, engine_input::BlobUndeliverable, engine_input::Ask, engine_input::Apply,
                 engine_input::TickPlanned, engine_input::RefLooked, engine_input::PushPlanned, engine_input::HookCame,
                 engine_input::LetGo, engine_input::SetPause, engine_input::AgentKnown, engine_input::Inspect>;

// ---- Edges ------------------------------------------------------------------------------------

// What the engine asks of the world. Called from Step only; nothing blocks. Answers come as inputs.
class CoordinatorEdges : public AgentTransport {
 public:
  // Resolve, fetch and pack; the answer is a SourcesResolved or SourcesFailed event.
  virtual void Resolve(const ResolveSources& wanted) = 0;
  // Plan the run of a tick, as somebody who starts it does; the answer is a TickPlanned input, in any case.
  virtual void PlanTick(const DueTick&) {}
  // Say what this ref names now; the answer is a RefLooked input, in any case and within a minute.
  virtual void LookAt(const WatchedRef&) {}
  // Plan the run of a push, of exactly its commit; the answer is a PushPlanned input, in any case.
  virtual void PlanPush(const DuePush&) {}
  // What answers for a repository: the same for those that are out of reach together.
  virtual std::string ServerOf(const std::string& repository) { return repository; }
  // The zone of this name, "" = the host's. It may read a file, once.
  virtual Result<std::shared_ptr<const Zone>> ZoneOf(const std::string& name) {
    if (name.empty() || name == "UTC") return std::make_shared<const Zone>(Zone::Utc());
    return cromt::Fail(ErrorCode::kNotFound, "there is no time zone " + name);
  }
  // These records are on disk.
  virtual void Committed(std::span<const Record>) {}
  // These runs have changed and the change is on disk.
  virtual void Published(std::span<const RunChange> changes) = 0;
  // The values of the secrets that this task names, for its lease.
  virtual SecretValues SecretsOf(const TaskSpec&) { return nullptr; }
  // The session with the agent at this address was ended since it said what no honest one says.
  virtual void Misbehaved(const std::string& /*address*/, const std::string& /*what*/) {}
  // Nothing is leased from now on (Engine::held), and why; empty = it is again.
  virtual void Held(const std::string&) {}
};

class Engine {
 public:
  struct Options {
    SchedulerLimits limits;
    std::vector<std::string> agents;  // kept connected though no run needs them
    bool start_by_itself = true;      // what schedules say
    std::string boot;                 // the host's time since it was started has this name; @reboot goes by it
    size_t batch = kMaxBatch;         // items of a kind in a message to an agent
  };
  // All references outlive the engine.
  Engine(Store& store, CoordinatorEdges& edges, Random& random, Options options);
  ~Engine();

  // Takes up what the store holds and lets its effects out. Call once, first.
  Status Start(const Registry::Parse& parse, Now now);

  Status Step(std::vector<EngineInput> inputs, Now now);

  // When Step is next needed, even without inputs.
  std::optional<Mono> NextDeadline() const;

  // Why nothing is leased, "" as long as it is: the store is older than what was made of it, or its disk is full. Then
  // no agent is dialled, no time passes for the scheduler, and whoever asks for something is told this.
  const std::string& held() const { return held_; }

  const Scheduler& scheduler() const { return scheduler_; }
  const Triggers& triggers() const { return triggers_; }
  const MeshId& mesh() const { return mesh_; }
  // Thread-safe: the catalog of the newest committed apply.
  std::shared_ptr<const Catalog> catalog() const { return std::atomic_load(&catalog_); }

 private:
  struct Link {
    std::string address;
    Mono dialled_at{};
    std::unique_ptr<CoordinatorSession> session;  // from when it is open
    bool writable = false;
    bool live = false;
  };
  // An address that is to be connected.
  struct Target {
    LinkId link = 0;  // 0 = none
    bool wanted = true;
    Duration backoff{0};
    Mono redial_at{};
  };
  struct PendingReply {
    std::function<void(Result<RunId>)> reply;
    Result<RunId> result;
  };
  struct PendingApply {
    std::function<void(Result<ApplyAnswer>)> reply;
    Result<ApplyAnswer> result;
  };

  void On(engine_input::LinkOpened input);
  void On(engine_input::LinkMessage input);
  void On(engine_input::LinkWritable input);
  void On(engine_input::LinkClosed input);
  void On(engine_input::BlobUndeliverable input);
  void On(engine_input::Ask input);
  void On(engine_input::Apply input);
  void On(engine_input::TickPlanned input);
  void On(engine_input::RefLooked input);
  void On(engine_input::PushPlanned input);
  void On(engine_input::HookCame input);
  void On(engine_input::LetGo input);
  void On(engine_input::SetPause input);
  void On(engine_input::AgentKnown input);
  void On(engine_input::Inspect input);

  void Take(Decision decision, const std::function<void(Result<RunId>)>* reply = nullptr);
  Status CommitAndRelease();
  void Carry(Effect& effect);
  Result<RunId> RunOfRequest(const RequestId& request);
  void BringBlobs(LinkId id, Link& link);
  void Break(LinkId link, const std::string& what);
  void CloseLink(LinkId link, const std::string& reason, bool tell_edges);
  Status Hold(const std::string& why);
  void CloseAllLinks(const std::string& reason);
  void HoldForRoom();
  void GoOnIfThereIsRoom();
  void CheckTimers();
  // engine_starts.cc: what starts by itself.
  void TakeUpStarts(const StoredState& state);
  void CheckStarts();
  void SetStarts(const std::vector<std::string>& projects);
  void SetStart(const std::string& name, const Catalog& catalog);
  std::optional<Mono> NextStart() const;
  Result<RunId> StartItself(StartRun start);
  std::function<std::string(const std::string&)> WhyPaused() const;
  std::function<std::optional<RunId>(const std::string&)> Unfinished() const;
  void Flush();
  CoordinatorSession* LiveSession(const std::string& address);

  Store& store_;
  CoordinatorEdges& edges_;
  Random& random_;
  Options options_;
  Scheduler scheduler_;
  Registry registry_;
  Schedules schedules_;
  Triggers triggers_;
  std::string was_held_;  // why, last
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();
  MeshId mesh_;
  uint64_t epoch_ = 0;
  uint64_t taken_up_ = 0;  // the store's last commit when we began
  uint64_t commit_ = 0;    // and now
  std::set<AgentId> met_;  // have had a session with us
  std::string held_;
  bool full_ = false;                         // it is held for want of room
  Mono room_due_{};                           // when it is looked for
  std::vector<engine_input::Ask> postponed_;  // what nobody would ask again: answers to Resolve, one a queued run
  std::set<KeptAttempt> kept_;
  uint64_t next_session_ = 1;
  LinkId next_link_ = 1;
  std::map<LinkId, Link> links_;
  std::map<std::string, Target> targets_;
  std::optional<Mono> link_timer_;  // nothing is due for links or targets before this

  // Of the Step under way.
  Now now_;
  std::vector<Record> records_;
  std::vector<Effect> effects_;
  std::vector<PendingReply> replies_;
  std::vector<PendingApply> applies_;
  std::optional<std::string> went_back_;  // an agent has proved it
  std::vector<std::pair<FileApplied, std::shared_ptr<const JobFile>>> taken_files_;
};

}  // namespace cromt
