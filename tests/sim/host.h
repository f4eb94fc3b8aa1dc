// One simulated host: its clock, its disk (journal and blobs), its launcher, and the agent's process with the real
// engine in it, which may die at any effect.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/journal.h"
#include "coordinator/recovery.h"
#include "tests/sim/clock.h"
#include "tests/sim/disk/sim_disk.h"
#include "tests/sim/files.h"
#include "tests/sim/host_check.h"
#include "tests/sim/launcher.h"
#include "tests/sim/process.h"
#include "tests/sim/watcher.h"

namespace cromt::sim {

class Network;

// Of a host's journal: so little that some faults last beyond it, and the agent dies as on a failing disk.
inline constexpr uint64_t kSimReserve = 4000;

class SimHost final : private AgentEdges {
 public:
  SimHost(World& world, Network& network, size_t index);
  ~SimHost() override;

  size_t index() const { return index_; }
  // The machine runs; the agent's process runs in it.
  bool on() const { return on_; }
  bool up() const { return engine_ != nullptr; }
  uint64_t log_end() const { return log_.end; }
  Duration well_since() const { return well_since_; }

  // Starts the agent (and, if need be, the launcher and the machine).
  void Boot();
  void Die(const std::string& how);
  void DieAfter(uint64_t effects) { death_.After(effects); }
  // When it launches the next, whose order does not leave.
  void DieLaunching() { dies_launching_ = true; }
  // The whole machine: what the journal had not synced may be lost, and no link is ended properly.
  void Crash();
  // As by SIGSTOP: it hears and says nothing for so long, and nothing is lost.
  void Hang(Duration time);
  // It dies, and comes up as another release, which speaks other levels of the session.
  void Upgrade();
  // What it had on its disk is gone, and it comes up under the same name: on a new machine, or while its launcher lives
  // on.
  void Reinstall(bool machine);
  void KillLauncher();
  // `hears`: it does what it is told, and only what it says comes late.
  void HangLauncher(Duration time, bool hears);
  void HangProcesses(Duration time);
  SimDisk& disk() { return disk_; }
  // The disk is full but for what the journal keeps for that.
  void FillDisk(bool full) { full ? disk_.Fill(0) : disk_.HasRoom(); }
  void OnDeath(std::function<void()> callback) { on_death_ = std::move(callback); }
  void JumpWall(Duration by) { clock_.JumpWall(by); }

  void Post(AgentInput input);
  // What comes on this stream is said by a coordinator of this epoch.
  void Greeted(StreamId stream, uint64_t epoch, bool second) { check_.Greeted(stream, epoch, second); }
  const SimFiles& files() const { return files_; }
  // A tree or an artifact came from the coordinator.
  void TakeBlob(const Digest& digest);

  // Whether it answers who only asks what there is.
  bool Answers(const MeshId& mesh) const;
  // What it answers then. REQUIRES: it is up.
  InspectedAgent Inspect(const MeshId& mesh) const;

  // Empty if all work is over and forgotten, else what is left.
  std::string Leftover() const;

 private:
  void Forget();
  void Step();
  void AfterStep(const Status& stepped);
  void ConnectLauncher();
  std::string LauncherName() const;  // of the one that lives
  void TellLauncher(std::function<void(SimLauncher&)> what);
  void FromLauncher(uint64_t life, std::vector<QueueEvent> events);
  OutputsInLog OutputsAfter(const std::vector<JournalRecord>& records, const std::string& boot) const;
  void StartLauncher();

  // AgentEdges.
  void Launch(const QueuedAttempt& attempt, uint32_t slot) override;
  void StopProcess(Ticket ticket) override;
  void ForgetResult(Ticket ticket) override;
  void Prepare(const QueuedAttempt& attempt, uint32_t slot) override;
  void CleanSlot(uint32_t slot) override;
  void StopPreparing(Ticket ticket) override;
  void Publish(const QueuedAttempt& attempt, uint32_t slot) override;
  void BlobFailed(const BlobFailure& failure) override;
  void Send(StreamId stream, FromAgent message) override;
  void Close(StreamId stream, const Error& why) override;
  void Refuses(const std::string&) override {}
  void JobChanged(const QueuedAttempt&) override {}
  void Journaled(std::span<const JournalRecord> records) override { check_.Journaled(records); }
  void Forgotten(Ticket ticket) override { check_.Forgets(ticket); }

  void Later(Duration delay, std::string_view kind, QueueEvent event);

  World& world_;
  Network& network_;
  const size_t index_;
  const uint32_t slots_;
  HostClock clock_;
  Waker waker_;
  Death death_;
  bool dies_launching_ = false;
  bool launcher_heard_ = false;  // what the one that lives knows; it is asked to start nothing before
  SpinCheck spin_;
  QueueWatcher watcher_;
  HostCheck check_;
  SimFiles files_;
  std::function<void()> on_death_;

  // On its disk, or in its kernel.
  SimDisk disk_;
  HostLog log_;
  uint64_t boot_ = 1;
  uint64_t release_ = 0;
  bool on_ = true;

  Duration well_since_{0};  // it is up and does not hang

  uint64_t launchers_ = 0;
  std::unique_ptr<SimLauncher> launcher_;
  Duration to_launcher_{0}, from_launcher_{0};  // when the last message arrives

  // Of the agent's process.
  uint64_t life_ = 0;
  uint64_t connected_life_ = 0;  // whose hello the launcher has taken
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<AgentEngine> engine_;
  std::vector<AgentInput> inbox_;
};

}  // namespace cromt::sim
