// What the simulated jobs print: every byte says by which process and where in its output it is, so that who has it can
// be asked whether it is right. Who writes it into a host's log, reads, sends and stores it is real.
//
// Checked: 7. what an agent is told to be stored lies with the coordinator that said so, byte by byte, also after that
// one's machine has crashed; nothing lies there that no process of that attempt has printed, nor twice; at the end,
// whatever was printed for somebody who is there is stored, unless its host lost it. A host loses what of its log its
// disk has lost in a crash of the machine, and what lies behind that in the same segment where nobody can say how long
// it was; of a bit that flips its frame is the price.
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
#include "io/file/file_system.h"
#include "tests/sim/ledger.h"
#include "tests/sim/situations.h"

namespace cromt::sim {

// Bytes `offset` to `offset + size` of what this process prints.
std::string OutputOf(size_t process, int64_t offset, int64_t size);

// Of a host's log, on its disk. So little that there are several of it.
inline constexpr const char* kHostLog = "log";
inline constexpr uint64_t kHostLogSegment = 4000;

struct PrintedFrame {
  uint64_t position = 0;  // behind it, once it is written
  Ticket ticket = 0;
  AttemptId attempt;
  bool plain = false;  // of no coordinator
  size_t process = 0;
  int64_t offset = 0, size = 0;
  Wall at;
};

// What lies in a host's log now, as its format says it.
struct HostLogContents {
  struct Output {
    int64_t bytes = 0;
    uint64_t end = 0;  // position behind the last of it
  };
  std::set<uint64_t> ends;                        // positions behind its whole frames
  std::map<Ticket, std::vector<Output>> outputs;  // up to each of its frames, without notes
  std::map<Ticket, int64_t> notes;                // bytes of one that stands behind all output

  // What lies there from a position on. A ticket may be there twice, if its host's disk has lost that it had begun.
  Output Of(Ticket ticket, uint64_t from) const;
};
HostLogContents ContentsOfHostLog(FileSystem& disk);

class OutputLedger {
 public:
  OutputLedger(Ledger& ledger, Situations& situations) : ledger_(ledger), situations_(situations) {}

  // By its process; the launcher holds it.
  void Printed(const PrintedFrame& frame);
  // It lies in the host's log.
  void Written(size_t host, const PrintedFrame& frame);
  // Nobody knows any more whose it is, what its log holds. `machine`: and that is gone, and positions begin anew.
  void HostLoses(size_t host, bool machine);
  // Its machine has crashed, and that is what there is now. Positions of what is gone may come again: who has
  // acknowledged them is asked anew.
  void HostCrashes(size_t host, const HostLogContents& log);
  // A bit of what lies there is about to flip, and with it goes its frame. False if no frame is known there, or it has
  // lost one already.
  bool Rots(size_t host, uint64_t position);
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
    bool is_gone = false;    // from the host's log
    bool is_rotten = false;  // it is there, and one of its bits is wrong
  };
  // By attempt: what lies there, in pieces that don't touch.
  using Pieces = std::map<AttemptId, std::map<int64_t, int64_t>>;
  // Its agent or the coordinator can't know whose it is, after what was done to them.
  bool IsNobodys(size_t host, const Frame& frame, const void* coordinator) const;
  void Take(const RunId& run, const LogPiece& piece, Pieces& pieces);
  void CheckStored(size_t host, const Frame& frame, const void* coordinator, const Pieces& pieces);
  void Violation(const std::string& what) { ledger_.Violation("invariant 7: " + what); }

  Ledger& ledger_;
  Situations& situations_;
  std::map<size_t, std::vector<Frame>> printed_;                           // by host, in order
  std::map<size_t, std::vector<Frame>> before_;                            // what of them no log has any more
  std::map<AttemptId, std::map<size_t, int64_t>> processes_;               // how much each has printed
  std::map<std::pair<const void*, AttemptId>, std::set<AgentId>> owners_;  // it was told of
  std::set<std::tuple<const void*, AttemptId, int64_t>> arrived_;
  std::map<size_t, std::set<Ticket>> nobodys_;  // by host
  bool some_host_crashed_ = false;
};

}  // namespace cromt::sim
