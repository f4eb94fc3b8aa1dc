// One simulated host: its clock, its disk (journal and blobs), its launcher, and the agent's process with the real
// engine and its real half of the launcher's protocol in it, which may die at any effect.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/journal.h"
#include "agent/launcher_talk.h"
#include "agent/log_trim.h"
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

class SimHost final : private AgentEdges, private LauncherTalk::Host {
 public:
  SimHost(World& world, Network& network, size_t index);
  ~SimHost() override;

  size_t index() const { return index_; }
  // The machine runs; the agent's process runs in it.
  bool on() const { return on_; }
  bool up() const { return engine_ != nullptr; }
  bool has_launcher() const { return launcher_ != nullptr; }
  // Counts how often it was installed; what it had before is gone.
  uint64_t installation() const { return installation_; }
  // REQUIRES: it is up.
  const AgentQueue& queue() const { return engine_->queue(); }
  // As LogFollower asks.
  std::optional<AttemptId> AttemptOf(Ticket ticket, const MeshId& mesh) const;
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
  // What it had on its disk is gone, and it comes up under the same name on a new machine; or all but what its launcher
  // has of it, which lives on.
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
  void TakeBlob(const Digest& digest, const std::string& bytes);

  // Whether it answers who only asks what there is.
  bool Answers(const MeshId& mesh) const;
  // What it answers then, whatever is on its way to it. An error if it closes that session, or dies of a disk that
  // fails. REQUIRES: it is up.
  Result<InspectedAgent> Inspect(const MeshId& mesh);

  bool runs() const { return !orphans_.empty() || (launcher_ && launcher_->runs()); }
  // Empty if all work is over and forgotten, else what is left.
  std::string Leftover() const;

 private:
  void AnswerAsked(const FromAgent& message);
  void Forget();
  void JournalIsCut();
  void Wake();
  void Step();
  void Step(std::vector<AgentInput> inputs);
  void AfterStep(const Status& stepped);
  Status ConnectLauncher();
  Status TakeFromLauncher(std::vector<AgentInput>& inputs);
  void SendOrders();
  // Bytes of one connection; in order, in one or two pieces.
  void ToLauncher(std::string bytes);
  void FromLauncher(const std::shared_ptr<LauncherSocket>& socket, std::string bytes);
  // What comes now has all that was written before it in front of it.
  void AfterLauncherSaid(std::function<void()> what);
  void LauncherEnds();
  // Of a launcher that died: those of one attempt, or all.
  void KillOrphans(std::string mark);
  void KillOrphans();
  Result<OutputsInLog> OutputsLeft(const std::vector<JournalRecord>& records, const std::string& boot);
  Status StartLauncher();

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
  void Journaled(std::span<const JournalRecord> records) override { check_.Journaled(records, log_before_); }
  void Forgotten(Ticket ticket) override { check_.Forgets(ticket); }

  // LauncherTalk::Host.
  bool IsOfBefore() override { return launcher_ && launcher_release_ != release_; }
  void Replaces() override;
  void Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) override;
  void Complete(const launcher::Ended& ended, const QueuedAttempt* attempt, queue_event::LauncherEnded& event) override;
  void LogGrew(launcher::LogPosition) override;
  void Warn(const std::string&) override {}

  void Later(Duration delay, std::string_view kind, QueueEvent event);

  World& world_;
  Network& network_;
  const size_t index_;
  const uint32_t slots_;
  HostClock clock_;
  Waker waker_;
  Death death_;
  bool dies_launching_ = false;
  SpinCheck spin_;
  QueueWatcher watcher_;
  HostCheck check_;
  SimFiles files_;
  std::function<void()> on_death_;

  // On its disk, or in its kernel.
  SimDisk disk_;
  HostLogContents log_before_;  // of launchers that are gone
  JobsOnDisk jobs_;
  uint64_t boot_ = 1;
  uint64_t release_ = 0;
  bool journal_is_cut_ = false;  // or may be
  uint64_t installation_ = 0;
  bool on_ = true;

  Duration well_since_{0};  // it is up and does not hang

  uint64_t launchers_ = 0;
  uint64_t launcher_release_ = 0;
  std::unique_ptr<SimLauncher> launcher_;
  const bool has_cgroups_;                      // so that the next launcher finds what the one before has left
  std::multimap<std::string, size_t> orphans_;  // processes of launchers that died, by their marks
  Duration to_launcher_{0}, from_launcher_{0};  // when the last bytes arrive

  // Of the agent's process.
  uint64_t life_ = 0;
  std::unique_ptr<Journal> journal_;
  std::optional<LauncherTalk> talk_;
  std::optional<LogTrim> trim_;
  std::shared_ptr<LauncherSocket> socket_;  // to its launcher
  std::unique_ptr<AgentEngine> engine_;
  std::vector<AgentInput> inbox_;
  // Who recovers the store is being told what there is, and has been told all.
  std::optional<Result<InspectedAgent>> asked_;
  bool asked_all_ = false;
};

}  // namespace cromt::sim
