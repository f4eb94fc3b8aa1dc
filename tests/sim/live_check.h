// Looks over a coordinator's shoulder: what it commits, sends and answers (commit_check.h), whether what it believes is
// what its store gives who reads it, whether what runs have held is given back when none is left, and whether what it
// says of why somebody waits is so (why_check.h). Changes nothing and draws nothing.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/engine.h"
#include "coordinator/store/reader.h"
#include "core/pool.h"
#include "io/file/file_system.h"
#include "tests/sim/commit_check.h"
#include "tests/sim/why_check.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class LiveCheck {
 public:
  // `path`: of the store, on this disk.
  LiveCheck(World& world, const FileSystem& disk, std::string path);

  CommitCheck& commits() { return commits_; }

  // What it is about to take in.
  void Takes(const std::vector<EngineInput>& inputs);
  void Dials(const std::string& address, LinkId link) { links_[link].address = address; }
  void IsLive(LinkId id);
  // It may do nothing before then.
  void Disturbed(Duration until) { calm_since_ = std::max(calm_since_, until); }
  void Sends(LinkId link, const ToAgent& message) { commits_.Sent(link, message); }
  void Closes(LinkId link);
  // A run was planned whose project has this pool, of agents at these addresses.
  void CheckPool(const Pool& pool, const std::vector<std::string>& addresses, const Result<Plan>& plan);
  // After a step; `committed`: it had something to commit.
  void Stepped(const Engine& engine, bool committed, Now now);
  void Dies() {
    links_.clear();
    reached_.clear();
    reader_.reset();
  }
  // Of the store of the process that lives, as its API reads it.
  Result<StoreReader*> Reader();
  // At the end: every run of the store.
  void CheckFinal(const std::vector<RunView>& runs);

 private:
  struct Link {
    std::string address;
    AgentId agent;
    bool live = false;
    bool closed = false;  // in this step; forgotten at its end
    Duration since{0};    // it is live
    std::string refuses = {};
  };

  void CheckStops();
  void CheckRead(const Engine& engine);
  void CheckWhy(const Engine& engine, Now now);
  void CheckWhy(const Engine& engine, const RunId& run, TaskIndex task, const WhyFacts& facts);
  void CheckWhoWaitsForLanes(const Engine& engine, const WhyFacts& facts);
  void CheckProgress(const Engine& engine, const RunId& id, const WhyFacts& facts);
  void CheckHowItGoes(const RunId& id, TaskIndex task, Now now);
  void Refuses(LinkId link, const std::string& why);
  void Violation(const std::string& what);

  World& world_;
  const FileSystem& disk_;
  const std::string path_;
  std::optional<StoreReader> reader_;
  CommitCheck commits_;
  std::map<LinkId, Link> links_;
  std::map<AgentId, uint32_t> slots_;
  std::map<std::string, AgentId> last_at_, reached_;  // by address; reached_: in this life
  std::map<AgentId, Labels> labels_;                  // as each states them, always the same
  Duration calm_since_{0};
  uint64_t steps_ = 0, commits_seen_ = 0, asked_ = 0;
  int told_ = 0;
};

}  // namespace cromt::sim
