// The coordinator's process in the simulation: the real engine on the real store, whose process may die at any effect.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/engine.h"
#include "coordinator/log_intake.h"
#include "tests/sim/clock.h"
#include "tests/sim/disk/sim_disk.h"
#include "tests/sim/live_check.h"
#include "tests/sim/process.h"
#include "tests/sim/pushes.h"
#include "tests/sim/self_starts.h"
#include "tests/sim/watcher.h"
#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Network;

// How it ends what a commit fails with that finds the disk full; the coordinator tells who asked, and ends.
inline constexpr char kDiskFull[] = "No space left on device";
inline constexpr char kDiskFails[] = "disk I/O error";

class SimCoordinator final : private CoordinatorEdges {
 public:
  // `agents`: the addresses that its configuration names.
  SimCoordinator(World& world, Network& network, SelfStarts& starts, std::vector<std::string> agents,
                 bool second = false);
  ~SimCoordinator() override;

  // Another one of the same mesh on a machine of its own. Its store: that copy which lies on the disk of this one.
  std::unique_ptr<SimCoordinator> MakeSecond(const std::string& copy);
  bool is_second() const { return second_; }

  bool up() const { return engine_ != nullptr; }
  // Of its store.
  const std::string& path() const { return path_; }
  SimDisk& disk() { return disk_; }
  void Boot();
  // The process dies; what it has not committed is gone.
  void Die(const std::string& how);
  // It dies in its next step, after so many effects have left.
  void DieAfter(uint64_t effects) { death_.After(effects); }
  // The next commit fails, as on a full disk.
  void FailNextCommit() { fail_commit_ = true; }
  void Hang(Duration time);
  // At the end, of what starts by itself.
  void CheckStarts();
  // What has not finished waits for, into the story.
  void TellWhy();
  // The whole machine: what was not synced may be lost, and no link is ended properly. True if something was lost that
  // the disk had said to be synced.
  bool CrashMachine();
  // The disk is full but for what the store keeps for that.
  void FillDisk(bool full) { full ? disk_.Fill(0) : disk_.HasRoom(); }
  // Called after each death; whoever wants it up again calls Boot later.
  void OnDeath(std::function<void()> callback) { on_death_ = std::move(callback); }
  // Called whenever it refuses to start because its store is damaged; true: somebody will do what it says. Without,
  // that is a violation.
  void OnDamaged(std::function<bool(const Error&)> callback) { on_damaged_ = std::move(callback); }
  // Called whenever it finds that its store went back.
  void OnWentBack(std::function<void()> callback) { on_went_back_ = std::move(callback); }
  void JumpWall(Duration by) {
    clock_.JumpWall(by);
    live_.commits().ClockJumped();
  }
  LiveCheck& live() { return live_; }
  const MeshId& mesh() const { return mesh_; }  // once it has been up
  const Clock& store_clock() const { return store_clock_; }
  // It is up and neither hangs nor waits for its disk.
  Duration well_since() const { return std::max(at_leisure_since_, slow_until_); }
  Wall wall() const { return clock_.Read(world_.timeline.now()).wall; }

  void Post(EngineInput input);
  // What an agent sends of its jobs' output.
  void TakeOutput(LogIntake::Batch batch);
  // Once it is down for good: what it has of that if its machine crashes now.
  void CheckOutput();
  Result<AttemptsWithOutput> WithOutput(const StoredState& state);
  // `reply` is called only if the process lives long enough to give it.
  void Ask(Event event, std::function<void(Result<RunId>)> reply);

  // What the store has of a run, for who starts it again; nullopt while it has not finished.
  Result<std::optional<StoredRun>> Finished(const RunId& run);

  // Nothing is brought to agents any more.
  bool pushes_idle() const { return pushes_.idle(); }
  // Nothing is left to do for any run.
  bool idle() const { return engine_ && engine_->held().empty() && engine_->scheduler().unfinished_runs() == 0; }

 private:
  class TappedStore;
  class StoreClock final : public Clock {
   public:
    StoreClock(const Timeline& timeline, const HostClock& clock) : timeline_(timeline), clock_(clock) {}
    Now Read() const override { return clock_.Read(timeline_.now()); }

   private:
    const Timeline& timeline_;
    const HostClock& clock_;
  };

  // Does it after a while, unless it has died by then.
  void Later(std::string_view kind, Duration delay, std::function<EngineInput()> make);
  void Step();
  // `failures`: of its disk, before the step.
  void AfterStep(const Status& stepped, uint64_t failures);
  void Refused(const Error& why, uint64_t failures);
  void Forget();
  void CheckSilence(LinkId link, const std::string& reason);
  void Out(std::function<void()> effect);
  Result<std::unique_ptr<LogStore>> OpenLogs(Durability durability);
  void RoundAfter(Duration delay);
  Result<AgentId> AgentOf(const AttemptId& id);

  // CoordinatorEdges.
  void Dial(const std::string& address, LinkId link) override;
  void Close(LinkId link, const std::string& reason) override;
  void Send(LinkId link, ToAgent message) override;
  void CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) override;
  void PushBlob(LinkId link, const std::string& address, const Digest& digest,
                const std::optional<LeaseInput>& holder) override;
  void FetchBlob(const LeaseInput&, std::function<void(const Status&)>) override {}
  void Resolve(const ResolveSources& wanted) override;
  void PlanTick(const DueTick& tick) override;
  void PlanPush(const DuePush& push) override;
  void LookAt(const WatchedRef& ref) override;
  void Published(std::span<const RunChange> changes) override;
  SecretValues SecretsOf(const TaskSpec& spec) override { return SecretsFor(spec); }
  void Held(const std::string& why) override;

  World& world_;
  Network& network_;
  SelfStarts& starts_;
  const std::string path_ = "coordinator/store.db";
  const std::vector<std::string> agents_;
  const bool second_;
  const std::string name_;
  HostClock clock_;
  StoreClock store_clock_;
  SeededRandom random_;
  SimDisk disk_;
  Waker waker_;
  Death death_;
  SpinCheck spin_;
  Duration at_leisure_since_{0};  // it was neither down nor hung nor held
  CommitWatcher watcher_;
  LiveCheck live_;
  SimPushes pushes_;
  bool fail_commit_ = false;
  Duration busy_until_{0};  // with a commit on a slow disk
  Duration slow_until_{0};  // with the last that took long
  bool committed_ = false;  // since the last look
  std::function<void()> on_death_;
  std::function<bool(const Error&)> on_damaged_;
  std::function<void()> on_went_back_;
  uint64_t life_ = 0;
  MeshId mesh_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  std::vector<EngineInput> inbox_;
  std::unique_ptr<LogStore> logs_;
  std::optional<LogIntake> intake_;
  bool round_is_due_ = false;
};

}  // namespace cromt::sim
