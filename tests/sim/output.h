// What the simulated jobs print: every byte says by which process and where in its output it is, so that who has it can
// be asked whether it is right. A host's log is kept here as its launchers have written it; who reads it is real.
//
// Checked: 7. what an agent is told to be stored lies with the coordinator that said so, byte by byte, also after that
// one's machine has crashed; nothing lies there that no process of that attempt has printed, nor twice; at the end,
// whatever was printed for somebody who is there is stored, unless its host lost it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "coordinator/log_store.h"
#include "core/queue.h"
#include "io/seglog/reader.h"
#include "tests/sim/ledger.h"
#include "tests/sim/situations.h"

namespace cromt::sim {

// Bytes `offset` to `offset + size` of what this process prints.
std::string OutputOf(size_t process, int64_t offset, int64_t size);

struct PrintedFrame {
  uint64_t position = 0;  // behind it
  Ticket ticket = 0;
  AttemptId attempt;
  bool plain = false;  // of no coordinator
  size_t process = 0;
  int64_t offset = 0, size = 0;
  Wall at;
};

// What a host's launchers have written of what its jobs said.
struct HostLog {
  uint64_t end = 0;
  OutputsInLog outputs;
  std::vector<PrintedFrame> frames;

  void Print(PrintedFrame frame);
  // Its directory was removed; positions go on.
  void Clear();
  // From a position of it, or 0. `log` outlives the reader.
  static std::unique_ptr<seglog::FrameSource> Read(const HostLog& log, seglog::Position from);
};

class OutputLedger {
 public:
  OutputLedger(Ledger& ledger, Situations& situations) : ledger_(ledger), situations_(situations) {}

  void Printed(size_t host, const PrintedFrame& frame);
  // What its log holds is gone.
  void HostLoses(size_t host);
  // Its journal has lost these: whose output the log has of them, its agent can't know.
  void Lost(size_t host, Ticket ticket);
  // The agent of `host` is told by a coordinator that what it has sent of its mesh's output between these positions is
  // stored.
  void Stored(size_t host, uint64_t from, uint64_t to, const void* coordinator);
  // A coordinator hears this.
  void Arrives(const AttemptId& id, int64_t offset, const void* coordinator);
  // A coordinator's disk has lost what a sync said to be there.
  void MayBeGone(const void* coordinator);
  // What a coordinator's store says whose attempt this is; of others it takes no output of it. Empty: nobody's.
  void Owner(const AttemptId& id, const AgentId& agent, const void* coordinator) {
    owners_[{coordinator, id}].insert(agent);
  }

  // At the end of a coordinator: what it has stored.
  void CheckStored(const void* coordinator, LogStore& logs);
  // At the end: of what attempts of runs have printed on these hosts, all is stored.
  void CheckAll(const std::set<size_t>& hosts);

 private:
  struct Frame {
    PrintedFrame frame;
    std::set<const void*> stored_by = {}, may_be_gone = {};
    bool was_stored = false;
    bool is_nobodys = false;
    bool is_gone = false;  // from the host's log
  };
  // By attempt: what lies there, in pieces that don't touch.
  using Pieces = std::map<AttemptId, std::map<int64_t, int64_t>>;
  // Its agent or the coordinator can't know whose it is, after what was done to them.
  bool IsNobodys(size_t host, const Frame& frame, const void* coordinator) const;
  void Take(const RunId& run, const LogPiece& piece, Pieces& pieces);
  void Violation(const std::string& what) { ledger_.Violation("invariant 7: " + what); }

  Ledger& ledger_;
  Situations& situations_;
  std::map<size_t, std::vector<Frame>> printed_;                           // by host, in order
  std::map<AttemptId, std::map<size_t, int64_t>> processes_;               // how much each has printed
  std::map<std::pair<const void*, AttemptId>, std::set<AgentId>> owners_;  // it was told of
  std::set<std::tuple<const void*, AttemptId, int64_t>> arrived_;
  std::map<size_t, std::set<Ticket>> nobodys_;  // by host
};

}  // namespace cromt::sim
