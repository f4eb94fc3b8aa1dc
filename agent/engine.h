// The agent without its threads: queue, sessions and journal, driven by batches of inputs.
//
//   Step(inputs, now):  1. every input becomes queue events; records and effects are gathered
//                       2. the records are appended to the journal in one write (synced only before the answer to a
//                          plain Submit: a process crash loses no page cache, and after a host crash nothing is
//                          resumed)
//                       3. the effects are carried out: launches, stops, replies
//                       4. every session that could write gets what has gathered for it
//
// When the disk is full, what has begun goes on, its end is written into the room that the journal keeps for that, and
// nothing new is taken or begun until there is room again (AgentQueue: Refuse); nor while the launcher does not answer.
// When the journal can't be synced, step 2 writes it anew, and steps 3 and 4 wait until the disk takes that.
//
// The supervisor (agent.h) runs it in production; the simulator (tests/sim) runs the same class. Not thread-safe.
// After an error of Step the process must end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "agent/journal.h"
#include "agent/launcher_watch.h"
#include "core/agent_session.h"
#include "core/queue.h"

namespace cromt {

// One stream that a coordinator has opened; never used twice.
using StreamId = uint64_t;

namespace agent_input {

struct StreamOpened {
  StreamId stream = 0;
};
struct StreamMessage {
  StreamId stream = 0;
  ToAgent message;
  std::shared_ptr<void> untaken = {};  // let go of once it was taken in: the stream may then read on
};
struct StreamWritable {
  StreamId stream = 0;
};
struct StreamClosed {
  StreamId stream = 0;
};
// For the queue; `reply`, if any, is called for a JobSubmitted, once it is on disk.
struct Tell {
  QueueEvent event;
  std::function<void(Result<RunId>)> reply;
};
// A blob is needed by an attempt of this mesh and is not here: asked of its coordinator, now and in each new session,
// until BlobArrived.
struct BlobWanted {
  MeshId mesh;
  Digest digest;
};
struct BlobArrived {
  Digest digest;
};
// Output of jobs can't be kept, for this reason; empty = it can again. Nothing new is begun meanwhile.
struct OutputBlocked {
  std::string reason;
};
// Its disk is nearly full (`warning`), or so full that nothing new is begun (`refusal`); empty = it is not.
struct DiskChanged {
  std::string refusal;
  std::string warning;
};
// The agent is connected to a launcher, which will say what it knows (LauncherUp); `pid` 0 = not known.
struct LauncherConnected {
  uint32_t pid = 0;
};
struct Inspect {
  std::function<void(const AgentQueue&)> read;
};

}  // namespace agent_input

using AgentInput = std::variant<agent_input::StreamOpened, agent_input::StreamMessage, agent_input::StreamWritable,
                                agent_input::StreamClosed, agent_input::Tell, agent_input::BlobWanted,
                                agent_input::BlobArrived, agent_input::OutputBlocked, agent_input::DiskChanged,
                                agent_input::LauncherConnected, agent_input::Inspect>;

// What the engine asks of the world. Called from Step only; nothing blocks. Answers come as inputs.
class AgentEdges {
 public:
  virtual ~AgentEdges() = default;
  virtual void Launch(const QueuedAttempt& attempt, uint32_t slot) = 0;
  virtual void StopProcess(Ticket ticket) = 0;
  virtual void ForgetResult(Ticket ticket) = 0;
  virtual void Prepare(const QueuedAttempt& attempt, uint32_t slot) = 0;
  // PrepareFailed follows soon, unless it is prepared already.
  virtual void StopPreparing(Ticket ticket) = 0;
  virtual void CleanSlot(uint32_t slot) = 0;
  // Its process has succeeded: Published or PublishFailed follows. May be asked again for the same attempt.
  virtual void Publish(const QueuedAttempt& attempt, uint32_t slot) = 0;
  // The coordinator can't bring a blob that was wanted.
  virtual void BlobFailed(const BlobFailure& failure) = 0;
  // REQUIRES: the stream is writable. StreamWritable follows.
  virtual void Send(StreamId stream, FromAgent message) = 0;
  virtual void Close(StreamId stream, const Error& why) = 0;
  // Nothing new is taken or begun, for this reason; empty = it is again.
  virtual void Refuses(const std::string& reason) = 0;
  // Something about these plain jobs has changed.
  virtual void JobChanged(const QueuedAttempt& job) = 0;
  // These records are in the journal.
  virtual void Journaled(std::span<const JournalRecord>) {}
  // The queue no longer knows the attempt, and nobody needs its output.
  virtual void Forgotten(Ticket ticket) = 0;
};

class AgentEngine {
 public:
  // Compacts the journal when it has grown past this and at least to four times what it was after the last time.
  static constexpr uint64_t kCompactAt = 4 << 20;
  // Open at a time, of coordinators that have greeted and of whoever has not yet.
  static constexpr size_t kMostStreams = 64;

  // All references outlive the engine.
  AgentEngine(JournalStore& journal, AgentEdges& edges, AgentIdentity identity, QueueLimits limits,
              const JournalId& new_journal, size_t batch = kMaxBatch);
  ~AgentEngine();

  // Takes up the journal's records (AgentQueue::Restore). Call once, first.
  Status Start(const std::vector<JournalRecord>& records, Now now, const OutputsInLog& outputs = {});
  Status Step(std::vector<AgentInput> inputs, Now now);
  std::optional<Mono> NextDeadline() const;
  const AgentQueue& queue() const { return queue_; }
  // The disk may have lost what the journal said, and does not take it again: nothing leaves the engine meanwhile
  // but signs of life, stops, and that what was submitted has to be submitted again.
  bool in_doubt() const { return !doubt_.empty(); }

 private:
  struct Stream {
    AgentSession session;
    bool writable = true;
  };

  void On(agent_input::StreamOpened& input);
  void On(agent_input::StreamMessage& input);
  void On(agent_input::StreamWritable& input);
  void On(agent_input::StreamClosed& input);
  void On(agent_input::Tell& input);
  void On(agent_input::BlobWanted& input);
  void On(agent_input::BlobArrived& input);
  void On(agent_input::OutputBlocked& input);
  void On(agent_input::DiskChanged& input);
  void On(agent_input::LauncherConnected& input);
  void On(agent_input::Inspect& input);
  void Take(QueueDecision decision, const std::function<void(Result<RunId>)>* reply = nullptr);
  bool SupersedeOthers(StreamId newest);
  void EndOthers(StreamId stream, const std::string& why);
  std::vector<StreamId> OthersOfItsMesh(StreamId stream) const;
  void CloseStream(StreamId stream, Error why);
  void CheckTimers();
  Status WriteJournal();
  Status AppendRecords();
  void Doubt(const Error& why);
  void HoldBack();
  void RewriteWhatIsInDoubt();
  Status Compact();
  void KeepReserve();
  const std::string& Refusal() const;
  void TellRefusal();
  void Carry(const QueueEffect& effect);
  void Flush();
  void EndUntold();

  JournalStore& journal_;
  AgentEdges& edges_;
  AgentIdentity identity_;
  const size_t batch_;  // items of a kind in a message
  AgentQueue queue_;
  std::map<StreamId, Stream> streams_;
  std::map<MeshId, std::vector<Digest>> wanted_;
  uint64_t compact_at_ = kCompactAt;  // when the journal is larger
  std::string disk_full_;             // why the journal's reserve is not there
  std::string output_blocked_;
  agent_input::DiskChanged disk_;
  LauncherWatch launcher_;
  Mono reserve_due_{};  // when it is tried again, while it is not there
  std::string doubt_;   // why the journal is in doubt
  Mono rewrite_due_{};  // when it is tried again then

  // Of the Step under way, and while the journal is in doubt of those before.
  Now now_;
  std::vector<JournalRecord> records_;
  std::vector<QueueEffect> effects_;
  std::vector<std::pair<std::function<void(Result<RunId>)>, Result<RunId>>> replies_;
};

}  // namespace cromt
