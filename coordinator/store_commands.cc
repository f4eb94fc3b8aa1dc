#include "coordinator/store_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/random.h"
#include "base/time.h"
#include "coordinator/log_store.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/commit_mark.h"
#include "coordinator/store/sqlite_store.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

std::string StoreIn(const std::string& data_dir) {
  return data_dir + "/store.db";
}

std::string Text(const StoreStamp& stamp) {
  if (stamp.commit == 0 && stamp.mesh.empty()) return fmt::format("a store of schema version {}", stamp.schema);
  return fmt::format("mesh {}, commit {} of epoch {}", stamp.mesh.text(), stamp.commit, stamp.epoch);
}

// Locked: nobody else uses the store while this lives.
Result<DataDir> Lock(const std::string& data_dir) {
  auto dir = DataDir::Open(data_dir);
  if (!dir && dir.error().code == ErrorCode::kConflict)
    return Fail(ErrorCode::kConflict, data_dir + " is in use: stop its coordinator first; jobs go on meanwhile");
  return dir;
}

void PrintAll(const char* what, const std::vector<AttemptId>& attempts) {
  for (const AttemptId& id : attempts) fmt::print("{}: {}\n", what, ToString(id));
}

}  // namespace

Status RunBackup(const std::string& data_dir, const std::string& file) {
  CROMT_ASSIGN(const StoreStamp stamp, BackUpStore(StoreIn(data_dir), file));
  fmt::print("{}: {}\n", file, Text(stamp));
  return {};
}

Status RunRestore(const std::string& data_dir, const std::string& file) {
  CROMT_ASSIGN(const DataDir dir, Lock(data_dir));
  CROMT_ASSIGN(const RestoredStore restored, RestoreStore(file, StoreIn(data_dir), SystemClock().Read().wall));
  fmt::print("restored {}: {}\n", file, Text(restored.stamp));
  if (!restored.replaced.empty()) fmt::print("what was there before is kept as {}\n", restored.replaced);
  if (restored.went_back)
    fmt::print("more was done since than it holds: nothing is leased until `cromt-coordinator recover`\n");
  return {};
}

Status RunRecover(const RecoverOptions& options) {
  const std::string path = StoreIn(options.data_dir);
  if (::access(path.c_str(), F_OK) != 0)
    return Fail(ErrorCode::kNotFound, fmt::format("there is no store in {}: give the --data-dir of the coordinator, or "
                                                  "`cromt-coordinator restore FILE` first",
                                                  options.data_dir));
  CROMT_ASSIGN(const DataDir dir, Lock(options.data_dir));
  auto mark = CommitMark::Read(path);
  SystemRandom random;
  CROMT_ASSIGN(auto store, SqliteStore::Open(path, random));
  CROMT_ASSIGN(const StoredState state, store->LoadToRecover());
  std::vector<std::string> addresses = AgentAddresses(state);
  addresses.insert(addresses.end(), options.addresses.begin(), options.addresses.end());
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::vector<std::string> unreached;
  std::vector<InspectedAgent> agents = options.inspect(state.mesh, addresses, unreached);
  for (const std::string& one : unreached) fmt::print("not reached: {}\n", one);
  const uint64_t commit = std::max(state.commit, mark && *mark ? (*mark)->commit : 0);
  std::erase_if(agents, [&](const InspectedAgent& agent) {
    const Status can = CheckSeen(agent.hello, state.epoch, commit);
    if (!can)
      fmt::print("not believed: agent {} at {}: {}\n", agent.hello.agent.text(), agent.addresses.front(),
                 can.error().message);
    return !can;
  });
  if (const auto missing = MissingAgents(state, agents); !missing.empty() && !options.without)
    return Fail(ErrorCode::kUnavailable,
                fmt::format("agent {} has attempts in flight by the store and was not reached; start it, or give "
                            "--without-agents to call them lost",
                            missing.front().text()));
  CROMT_ASSIGN(const auto logs, LogStore::Open(options.data_dir + "/logs", Durability::kProcess, [](const RunId&) {}));
  CROMT_ASSIGN(const AttemptsWithOutput output, logs->AttemptsOf(state.runs));
  Recovery recovery = PlanRecovery(state, agents, commit, SystemClock().Read().wall, output);
  if (options.stop_unknown) recovery.kept.clear();
  CROMT_TRY(store->Recover(recovery.epoch, recovery.commit, recovery.records, recovery.kept));
  PrintAll("adopted", recovery.adopted);
  PrintAll("lost: store restored", recovery.lost);
  for (const KeptAttempt& one : recovery.kept)
    fmt::print("unknown, kept on agent {}: {}\n", one.agent.text(), ToString(one.id));
  if (!recovery.kept.empty())
    fmt::print("what is unknown runs to its end; `cromt-coordinator recover --stop-unknown` has it stopped\n");
  fmt::print("recovered: epoch {}; {} agents answered; start the coordinator\n", recovery.epoch, agents.size());
  return {};
}

}  // namespace cromt
