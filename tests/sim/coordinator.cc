#include "tests/sim/coordinator.h"

#include <fmt/format.h>

#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite_store.h"
#include "tests/sim/network.h"
#include "tests/sim/store_files.h"

namespace cromt::sim {
namespace {

constexpr Duration kSlowCommit = milliseconds(200);

// What is pushed is told to the first one, whose looks are judged.
tl::unexpected<Error> Unreached() {
  return Fail(ErrorCode::kTimeout, "the forge can't be reached from here");
}

}  // namespace

// The real store.
class SimCoordinator::TappedStore final : public Store {
 public:
  TappedStore(SimCoordinator& owner, std::unique_ptr<Store> real) : owner_(owner), real_(std::move(real)) {}
  Result<StoredState> Load() override {
    auto state = real_->Load();
    if (state) owner_.watcher_.TakeUp(*state);
    if (state) owner_.live_.commits().TakeUp(*state);
    if (state) owner_.mesh_ = state->mesh;
    return state;
  }
  Result<uint64_t> Commit(std::span<const Record> records) override {
    if (std::exchange(owner_.fail_commit_, false)) return Fail(ErrorCode::kExhausted, kDiskFull);
    owner_.committed_ = true;
    auto committed = real_->Commit(records);
    owner_.busy_until_ = owner_.world_.timeline.now() + owner_.disk_.TakeDelay();
    if (committed) owner_.watcher_.See(records);
    if (committed)
      owner_.live_.commits().See(records, *committed);
    else
      owner_.live_.commits().Doubt();
    return committed;
  }
  Status KeepReserve(size_t commit_bytes) override { return real_->KeepReserve(commit_bytes); }
  Status WentBack() override { return real_->WentBack(); }
  Result<RunId> FindRequest(const RequestId& request) override { return real_->FindRequest(request); }

 private:
  SimCoordinator& owner_;
  std::unique_ptr<Store> real_;
};

SimCoordinator::SimCoordinator(World& world, Network& network, SelfStarts& starts, std::vector<std::string> agents,
                               bool second)
    : world_(world),
      network_(network),
      starts_(starts),
      agents_(std::move(agents)),
      second_(second),
      name_(second ? "second coordinator" : "coordinator"),
      clock_(world.dice),
      store_clock_(world.timeline, clock_),
      random_(world.dice.Fork()),
      disk_(world.dice.Fork()),
      waker_(world.timeline, "coordinator wakes", second, [this] { Step(); }),
      watcher_(world.situations),
      live_(world, disk_, path_),
      pushes_(world, network,
              {.is_open = [this](LinkId link) { return network_.IsOpen(*this, link); },
               .undeliverable =
                   [this](LinkId link, BlobFailure failure) {
                     Post(engine_input::BlobUndeliverable{link, std::move(failure)});
                   }}) {
  disk_.OnLoss([this](std::string_view how) { world_.situations.Saw("crash of the coordinator's machine", how); });
  (void)disk_.MakeDirectory(DirectoryOf(path_), 0700);
  live_.commits().Know(starts.job_file());
  if (!second) {
    world_.ledger.OnProcess([this](const AttemptId& id) { live_.commits().ProcessStarts(id); });
    return;
  }
  live_.commits().Doubt();        // of what it takes up it has not seen the commits
  live_.commits().ClockJumped();  // nor has its own clock dated that
}

SimCoordinator::~SimCoordinator() = default;

std::unique_ptr<SimCoordinator> SimCoordinator::MakeSecond(const std::string& copy) {
  auto second = std::make_unique<SimCoordinator>(world_, network_, starts_, agents_, true);
  CopyStore(disk_, copy, second->disk_, path_);
  return second;
}

// ---- Life and death ---------------------------------------------------------------------------

void SimCoordinator::Boot() {
  if (up()) return;
  ++life_;
  at_leisure_since_ = std::max(at_leisure_since_, world_.timeline.now());
  world_.timeline.Note(fmt::format("{} starts, life {}", name_, life_));
  const uint64_t failures = disk_.failures();
  const Durability durability = world_.options.bugs.unsynced_store ? Durability::kProcess : Durability::kHost;
  auto opened = SqliteStore::Open(path_, random_, durability, disk_, &store_clock_);
  if (!opened) return Refused(opened.error(), failures);
  std::unique_ptr<Store> real = std::move(*opened);
  if (world_.options.bugs.store) real = world_.options.bugs.store(std::move(real));
  store_ = std::make_unique<TappedStore>(*this, std::move(real));
  auto logs = OpenLogs(durability);
  if (!logs) return Refused(logs.error(), failures);
  logs_ = std::move(*logs);
  intake_.emplace(
      *logs_, [this](const AttemptId& id) { return AgentOf(id); },
      [this](const std::string& warning) { world_.timeline.Note(name_ + ": " + warning); });
  CoordinatorEdges& edges = *this;
  engine_ = std::make_unique<Engine>(*store_, edges, random_,
                                     Engine::Options{.limits = {}, .agents = agents_, .batch = world_.batch});
  auto parse = [this](const std::string&, const std::string& text) -> Result<std::shared_ptr<const JobFile>> {
    return starts_.Parse(text);
  };
  Status started = engine_->Start(parse, clock_.Read(world_.timeline.now()));
  if (!started && !death_.planned()) {
    const Error why = started.error();
    return Refused(why, failures);
  }
  AfterStep(started, failures);
}

// It did not come up, and is started again, as by systemd.
void SimCoordinator::Refused(const Error& why, uint64_t failures) {
  world_.timeline.Note(name_ + " does not start: " + why.message);
  Forget();
  const bool disk_failed = disk_.failures() != failures || why.code == ErrorCode::kExhausted;
  if (!disk_failed && on_damaged_ && on_damaged_(why)) return;
  if (!disk_failed) world_.ledger.Violation("the coordinator does not start: " + why.message);
  if (on_death_) on_death_();
}

// What a process that is gone had in its memory.
void SimCoordinator::Forget() {
  disk_.Freeze();
  intake_.reset();
  logs_.reset();
  round_is_due_ = false;
  engine_.reset();
  store_.reset();
  disk_.Thaw();
}

void SimCoordinator::Die(const std::string& how) {
  if (!up()) return;
  world_.timeline.Note(name_ + " dies: " + how);
  live_.Dies();
  Forget();
  pushes_.Die();
  inbox_.clear();
  waker_.Cancel();
  death_.Forget();
  fail_commit_ = false;
  network_.CoordinatorDied(*this);
  if (on_death_) on_death_();
}

bool SimCoordinator::CrashMachine() {
  world_.timeline.Note("the coordinator's machine crashes");
  network_.CoordinatorsMachineDied(*this);
  Die("its machine crashed");
  clock_.Reboot(world_.timeline.now());
  const bool lost = disk_.Crash();
  if (lost) world_.outputs.MayBeGone(this);
  return lost;
}

void SimCoordinator::CheckStarts() {
  if (engine_ && engine_->held().empty())
    starts_.CheckSeen(engine_->triggers(), at_leisure_since_, clock_.Read(world_.timeline.now()).wall);
}

void SimCoordinator::TellWhy() {
  if (!engine_) return;
  const Now now = clock_.Read(world_.timeline.now());
  for (const StoredRun& run : engine_->scheduler().Unfinished())
    for (TaskIndex task = 0; task < run.tasks.size(); ++task) {
      if (run.tasks[task].state == TaskState::kFinished) continue;
      const auto lines = engine_->scheduler().Why(run.header.id, task, now);
      world_.timeline.Note(fmt::format("{}/{} is {}: {}", run.header.id.text(), task + 1,
                                       ToString(run.tasks[task].state),
                                       lines ? lines->front().text : lines.error().message));
    }
}

void SimCoordinator::Hang(Duration time) {
  if (!up()) return;
  world_.timeline.Note("coordinator hangs for " + FormatDuration(time));
  waker_.HangUntil(world_.timeline.now() + time);
  at_leisure_since_ = std::max(at_leisure_since_, world_.timeline.now() + time);
  live_.Disturbed(at_leisure_since_);
}

// ---- Steps ------------------------------------------------------------------------------------

void SimCoordinator::Post(EngineInput input) {
  if (!up()) return;
  if (const auto* closed = std::get_if<engine_input::LinkClosed>(&input)) pushes_.LinkClosed(closed->link);
  inbox_.push_back(std::move(input));
  waker_.WakeAt(world_.timeline.now() + world_.dice.Between(Duration(10), milliseconds(1)));
}

void SimCoordinator::Ask(Event event, std::function<void(Result<RunId>)> reply) {
  auto answer = [this, event, reply = std::move(reply)](Result<RunId> result) {
    live_.commits().Answered(event, result);
    if (death_.Leaves()) Out([reply, result = std::move(result)] { reply(result); });
  };
  Post(engine_input::Ask{std::move(event), std::move(answer)});
}

Result<std::optional<StoredRun>> SimCoordinator::Finished(const RunId& run) {
  if (!up()) return Fail(ErrorCode::kUnavailable, "it is down");
  CROMT_ASSIGN(StoreReader* const reader, live_.Reader());
  CROMT_ASSIGN(const RunState state, reader->StateOf(run));
  if (state != RunState::kFinished) return std::nullopt;
  return reader->Stored(run);
}

void SimCoordinator::Step() {
  if (!up()) return;
  live_.Takes(inbox_);
  const uint64_t failures = disk_.failures();
  const Status stepped = engine_->Step(std::exchange(inbox_, {}), clock_.Read(world_.timeline.now()));
  AfterStep(stepped, failures);
}

void SimCoordinator::TakeOutput(LogIntake::Batch batch) {
  if (!up()) return;
  for (const LogIntake::Chunk& chunk : batch.chunks) world_.outputs.Arrives(chunk.attempt, chunk.offset, this);
  intake_->Add(std::move(batch));
  if (!std::exchange(round_is_due_, true)) RoundAfter(world_.dice.Between(Duration(10), milliseconds(1)));
}

// On its collector's thread, which writes while the others do something else.
void SimCoordinator::RoundAfter(Duration delay) {
  const Duration due = std::max(world_.timeline.now() + delay, at_leisure_since_);
  world_.timeline.At(due, "output round", life_, [this, life = life_] {
    if (life != life_ || !up()) return;
    if (world_.timeline.now() < at_leisure_since_) return RoundAfter(Duration(0));  // it hangs
    const Status written = intake_->Round(clock_.Read(world_.timeline.now()).mono);
    (void)disk_.TakeDelay();
    round_is_due_ = !written;
    if (written) return;
    world_.situations.Saw("output", "waits");
    RoundAfter(seconds(1));
  });
}

Result<AgentId> SimCoordinator::AgentOf(const AttemptId& id) {
  CROMT_ASSIGN(StoreReader* const reader, live_.Reader());
  CROMT_ASSIGN(AgentId agent, reader->AgentOf(id));
  world_.outputs.Owner(id, agent, this);
  return agent;
}

Result<std::unique_ptr<LogStore>> SimCoordinator::OpenLogs(Durability durability) {
  return LogStore::Open(
      "coordinator/logs", durability, [](const RunId&) {}, disk_, &random_);
}

Result<AttemptsWithOutput> SimCoordinator::WithOutput(const StoredState& state) {
  CROMT_ASSIGN(const auto logs, OpenLogs(Durability::kProcess));
  return logs->AttemptsOf(state.runs);
}

void SimCoordinator::CheckOutput() {
  if (disk_.Crash()) world_.outputs.MayBeGone(this);
  auto logs = OpenLogs(Durability::kProcess);
  if (!logs) return world_.ledger.Violation("the output can't be read: " + logs.error().message);
  world_.outputs.CheckStored(this, **logs);
}

// What has left the engine leaves the process once the commit before it is done.
void SimCoordinator::Out(std::function<void()> effect) {
  if (busy_until_ <= world_.timeline.now()) return effect();
  world_.timeline.At(busy_until_, "slow disk", life_, [this, life = life_, effect = std::move(effect)] {
    if (life == life_ && up()) effect();
  });
}

void SimCoordinator::AfterStep(const Status& stepped, uint64_t failures) {
  if (death_.planned()) return Die("in the middle of a step");
  if (!stepped) {
    if (stepped.error().code != ErrorCode::kExhausted && disk_.failures() == failures)
      world_.ledger.Violation("the coordinator's step failed: " + stepped.error().message);
    return Die(stepped.error().message);
  }
  const bool committed = std::exchange(committed_, false);
  live_.Stepped(*engine_, committed, clock_.Read(world_.timeline.now()));
  if (committed)
    if (std::string wrong = engine_->scheduler().Check(); !wrong.empty())
      world_.ledger.Violation("the scheduler's own check: " + wrong);
  // While it waits for its disk it does nothing else.
  if (busy_until_ > world_.timeline.now()) waker_.HangUntil(busy_until_);
  if (busy_until_ > world_.timeline.now() + kSlowCommit) slow_until_ = busy_until_;
  auto deadline = engine_->NextDeadline();
  if (!deadline) return;
  if (spin_.Spins(*deadline <= clock_.Read(world_.timeline.now()).mono))
    world_.ledger.Violation("invariant 9: the coordinator's next deadline stays in the past: it would spin");
  waker_.WakeAt(std::max(clock_.When(*deadline), world_.timeline.now() + milliseconds(1)));
}

// ---- Edges ------------------------------------------------------------------------------------

void SimCoordinator::Dial(const std::string& address, LinkId link) {
  live_.Dials(address, link);
  if (death_.Leaves()) Out([this, address, link] { network_.Dial(*this, address, link); });
}

// Who is there says something all the time.
void SimCoordinator::CheckSilence(LinkId link, const std::string& reason) {
  if (reason.starts_with("it was silent") && network_.WasWell(*this, link))
    world_.ledger.Violation(fmt::format("link {} is closed as silent, and nothing was wrong with it", link));
}

void SimCoordinator::Close(LinkId link, const std::string& reason) {
  world_.timeline.Note(fmt::format("{} closes link {}: {}", name_, link, reason));
  live_.Closes(link);
  CheckSilence(link, reason);
  if (!death_.Leaves()) return;
  Out([this, link] {
    network_.CloseByCoordinator(*this, link);
    pushes_.LinkClosed(link);
  });
}

void SimCoordinator::Send(LinkId link, ToAgent message) {
  live_.Sends(link, message);
  if (death_.Leaves())
    Out([this, link, message = std::move(message)]() mutable { network_.Send(*this, link, std::move(message)); });
}

void SimCoordinator::CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) {
  live_.IsLive(link);
  if (death_.Leaves()) Out([this, link, mesh, agent] { network_.CollectLogs(*this, link, mesh, agent); });
}

void SimCoordinator::PushBlob(LinkId link, const std::string& address, const Digest& digest,
                              const std::optional<LeaseInput>& holder) {
  if (death_.Leaves()) Out([this, link, address, digest, holder] { pushes_.Ask(link, address, digest, holder); });
}

void SimCoordinator::Resolve(const ResolveSources& wanted) {
  if (!death_.Leaves()) return;
  Duration delay = world_.dice.Between(milliseconds(1), seconds(3));
  bool fails = world_.dice.PerCent(5);
  world_.timeline.After(delay, "resolved", life_, [this, wanted, fails, life = life_] {
    if (life != life_ || !up()) return;
    if (fails) {
      world_.ledger.SourcesFailed(wanted.run);
      return Post(engine_input::Ask{SourcesFailed{wanted.run, "the repository can't be reached"}, {}});
    }
    SourcesResolved resolved{wanted.run, {}};
    for (const auto& [url, ref, commit] : wanted.repositories)
      resolved.items.push_back({url, ref, commit.empty() ? std::string(40, 'c') : commit, "main", TreeOf(ref.empty())});
    Post(engine_input::Ask{std::move(resolved), {}});
  });
}

void SimCoordinator::Later(std::string_view kind, Duration delay, std::function<EngineInput()> make) {
  if (!death_.Leaves()) return;
  world_.timeline.After(delay, kind, life_, [this, make = std::move(make), life = life_] {
    if (life == life_ && up()) Post(make());
  });
}

void SimCoordinator::PlanTick(const DueTick& tick) {
  Later("planned", starts_.Delay(), [this, tick] {
    auto start = starts_.Plan(tick.project, RequestOf(tick), {engine_->scheduler().Agents(), agents_, live_});
    if (second_ && start) {
      world_.ledger.SecondStarts(start->run);
      world_.situations.Saw("two coordinators", "the second starts a run by itself");
    }
    return engine_input::TickPlanned{tick, std::move(start)};
  });
}

void SimCoordinator::PlanPush(const DuePush& push) {
  Later("planned", starts_.Delay(), [this, push]() -> EngineInput {
    if (second_) return engine_input::PushPlanned{push, Unreached()};
    return engine_input::PushPlanned{push, starts_.Plan(push, {engine_->scheduler().Agents(), agents_, live_})};
  });
}

// What a look finds may be old when it comes here.
void SimCoordinator::LookAt(const WatchedRef& ref) {
  std::optional<Result<std::string>> early;
  if (!second_ && world_.dice.PerCent(50)) early = starts_.Look(ref);
  Later("looked", starts_.Delay(), [this, ref, early]() -> EngineInput {
    if (second_) return engine_input::RefLooked{ref, Unreached()};
    return engine_input::RefLooked{ref, early ? *early : starts_.Look(ref)};
  });
}

void SimCoordinator::Published(std::span<const RunChange>) {}

void SimCoordinator::Held(const std::string& why) {
  if (!why.empty()) world_.situations.Saw("why", ToString(WhyKind::kHeld));  // it is what all are told
  at_leisure_since_ = std::max(at_leisure_since_, world_.timeline.now());
  if (why.find("went back") == std::string::npos) return;
  if (second_ || world_.ledger.second_is_heard())
    world_.situations.Saw("two coordinators", second_ ? "the second is behind" : "the first is behind");
  world_.timeline.Note(name_ + " is held: " + why);
  if (!second_ && !world_.ledger.went_back() && !world_.ledger.second_is_heard())
    world_.ledger.Violation("the coordinator is held, and its store is all that was committed: " + why);
  if (on_went_back_) on_went_back_();
}

}  // namespace cromt::sim
