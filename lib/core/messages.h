// What coordinator and agent say to each other in a session, as plain values. The wire form is
// proto/cromt/v1/agent.proto; the simulator passes these as they are.
//
//   coordinator                                agent
//   hello(mesh, epoch, session, commit) ──▶
//                                       ◀──    hello(agent, journal, boot, seen epoch and commit, slots)
//                                       ◀──    inventory…, the last with inventory_done
//   verdicts…, the last with verdicts_done ──▶
//   leases, stops, acks, echoes        ◀─▶    reports, heartbeats, wanted blobs
//
// Every message is a batch of what has gathered while the one before was being written. Within a session
// messages arrive in order or the session ends; nothing is assumed across sessions: each begins with the
// exchange above, and a message of an older session is never acted on. The hellos settle its level (session_level.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/model.h"
#include "core/session_level.h"

namespace cromt {

// Limits on one message; a peer that goes beyond them has its session ended with "exhausted".
inline constexpr size_t kMaxBatch = 4096;

struct CoordinatorHello {
  MeshId mesh;
  uint64_t epoch = 0;    // incarnation of the coordinator's store
  uint64_t session = 0;  // higher than any earlier session of this epoch
  SessionLevels levels;
  uint64_t commit = 0;  // number of the store's last commit when this incarnation began
  // Only asks what the agent has seen and what it knows, whatever the numbers: the answer is its hello and inventory.
  // The mesh's other sessions end before it, so that nothing of them begins once that is said. For
  // `cromt-coordinator recover`.
  bool inspect = false;
  friend bool operator==(const CoordinatorHello&, const CoordinatorHello&) = default;
};

struct AgentHello {
  AgentId agent;
  JournalId journal;
  std::string boot;  // the kernel's boot id
  SessionLevels levels;
  uint32_t slots = 0;
  std::map<std::string, std::string> labels;
  std::string version;
  uint64_t seen_epoch = 0;  // the highest of this mesh that the agent has seen
  uint64_t seen_commit = 0;
  uint64_t acked_sequence = 0;  // of its reports to this mesh the last that was acknowledged
  // The last of all: what it reports by a higher number is news, also if one of that number was applied, which its
  // journal has lost. Older agents don't say it.
  std::optional<uint64_t> last_sequence = std::nullopt;
  friend bool operator==(const AgentHello&, const AgentHello&) = default;
};

// The right to start one attempt. It is for tasks of this session only and ends (unless the attempt has started)
// kLeaseTime after the agent sent the newest heartbeat that the coordinator has echoed.
struct Lease {
  AttemptId id;
  std::shared_ptr<const TaskSpec> spec;  // null: more than the id could not be read, and `wrong` says why; never sent
  std::string host;                      // the host entry's id, for CROMT_HOST
  LeaseInputs inputs;
  SecretValues secrets = {};  // of those that the spec names, as far as there are some; never written anywhere
  std::string wrong = {};
};

// A blob that the agent wanted can't be brought to it.
struct BlobFailure {
  Digest digest;
  std::string reason;
  friend bool operator==(const BlobFailure&, const BlobFailure&) = default;
};

// An attempt that the agent knows when a session starts.
struct InventoryItem {
  enum class Phase { kLeased, kRunning, kEnded };
  AttemptId id;
  Phase phase = Phase::kLeased;
  friend bool operator==(const InventoryItem&, const InventoryItem&) = default;
};

// The coordinator's answer to one item: keep it; stop it and report its end; forget that it ever was.
struct Verdict {
  enum class Kind { kKeep, kStop, kForget };
  AttemptId id;
  Kind kind = Kind::kKeep;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// A fact about an attempt. Numbered from 1 without gaps within (agent, journal, mesh); repeated until acknowledged.
struct Report {
  struct Started {
    Wall at;  // the agent's wall clock
    friend bool operator==(const Started&, const Started&) = default;
  };
  uint64_t sequence = 0;
  AttemptId id;
  std::variant<Started, AttemptResult> fact;
  friend bool operator==(const Report&, const Report&) = default;
};

// All reports up to `sequence` are in the store, and as many commits have been made. Goes with leases, too, so that an
// agent that has an attempt has seen the commit that made it.
struct Ack {
  uint64_t sequence = 0;
  uint64_t commit = 0;
  friend bool operator==(const Ack&, const Ack&) = default;
};

struct ToAgent {
  std::optional<CoordinatorHello> hello;
  std::vector<Verdict> verdicts;
  bool verdicts_done = false;
  std::vector<Lease> leases;
  std::vector<AttemptId> stops;
  std::optional<Ack> ack;
  uint64_t heartbeat_echo = 0;  // number of the newest heartbeat received; 0 = nothing new
  std::vector<BlobFailure> blob_failures;

  bool empty() const {
    return !hello && verdicts.empty() && !verdicts_done && leases.empty() && stops.empty() && !ack &&
           heartbeat_echo == 0 && blob_failures.empty();
  }
};

struct FromAgent {
  std::optional<AgentHello> hello;
  std::vector<InventoryItem> inventory;
  bool inventory_done = false;
  std::vector<Report> reports;
  uint64_t heartbeat = 0;            // counts up within the session; 0 = none in this message
  std::vector<Digest> wanted_blobs;  // that a leased attempt needs and this agent lacks
  // When it has changed: why the agent takes no leases, a sentence for people; empty = it does, as at the start of each
  // session. A lease that crosses with it is given back.
  std::optional<std::string> refuses;
  // The same for what will keep it from that soon, unless a person does something.
  std::optional<std::string> warns = {};

  bool empty() const {
    return !hello && inventory.empty() && !inventory_done && reports.empty() && heartbeat == 0 &&
           wanted_blobs.empty() && !refuses && !warns;
  }
};

}  // namespace cromt
