#include "tests/sim/host.h"

#include <fmt/format.h>

#include "agent/output_left.h"
#include "tests/sim/network.h"
#include "tests/sim/workload.h"

namespace cromt::sim {
namespace {

constexpr StreamId kAsks = UINT64_MAX;  // no link of the network

std::string MarkOf(const QueuedAttempt& attempt) {
  return attempt.mesh.text() + "/" + ToString(attempt.id);
}

}  // namespace

SimHost::SimHost(World& world, Network& network, size_t index)
    : world_(world),
      network_(network),
      index_(index),
      slots_(static_cast<uint32_t>(world.dice.Between(1, 8))),
      clock_(world.dice),
      waker_(world.timeline, "agent wakes", index, [this] { Step(); }),
      watcher_(world.situations),
      check_(world),
      files_(world, network, index,
             {.tell =
                  [this](QueueEvent event) {
                    Post(agent_input::Tell{std::move(event), {}});
                  },
              .want =
                  [this](const MeshId& mesh, const Digest& digest) {
                    Post(agent_input::BlobWanted{mesh, digest});
                  },
              .arrived = [this](const Digest& digest) { Post(agent_input::BlobArrived{digest}); }}),
      disk_(world.dice.Fork()),
      has_cgroups_(world.dice.PerCent(50)) {
  disk_.OnLoss([this](std::string_view how) { world_.situations.Saw("crash of a host", how); });
  if (clock_.is_skewed()) world_.situations.Saw("fault", "clock runs fast or slow");
}

SimHost::~SimHost() = default;

// ---- Life and death ---------------------------------------------------------------------------

void SimHost::Boot() {
  if (up()) return;
  ++life_;
  on_ = true;
  world_.timeline.Note(fmt::format("agent {} starts, life {}, boot {}", index_, life_, boot_));
  const uint64_t failures = disk_.failures();
  const std::string boot = fmt::format("boot-{}", boot_);
  auto opened = Journal::Open("agent", {.boot = boot, .files = &disk_, .reserve_bytes = kSimReserve});
  if (!opened) {
    world_.timeline.Note("the journal can't be read: " + opened.error().message);
    const bool disk_failed = disk_.failures() != failures || opened.error().code == ErrorCode::kExhausted;
    if (!disk_failed) world_.ledger.Violation("the journal can't be read: " + opened.error().message);
    if (on_death_) on_death_();  // and is started again
    return;
  }
  auto outputs = OutputsLeft(opened->records, boot);
  if (!outputs) {
    world_.timeline.Note(outputs.error().message);
    if (disk_.failures() == failures && outputs.error().code != ErrorCode::kExhausted)
      world_.ledger.Violation("an agent can't start: " + outputs.error().message);
    if (on_death_) on_death_();
    return;
  }
  journal_ = std::move(opened->journal);
  AgentIdentity identity{.agent = AgentId(fmt::format("agent-{}", index_)),
                         .boot = boot,
                         .slots = slots_,
                         .labels = {{"zone", index_ % 2 == 0 ? "even" : "odd"}},
                         .levels = {kSessionLevel + static_cast<uint32_t>((index_ + release_) % 2), kSessionLevel}};
  AgentEdges& edges = *this;
  engine_ = std::make_unique<AgentEngine>(*journal_, edges, std::move(identity), QueueLimits{.slots = slots_},
                                          JournalId(world_.dice.Name()), world_.batch);
  well_since_ = world_.timeline.now();
  talk_.emplace(static_cast<LauncherTalk::Host&>(*this));
  check_.Boots(opened->records);
  trim_.emplace(kHostLog, disk_);
  AfterStep(engine_->Start(opened->records, clock_.Read(world_.timeline.now()), *outputs));
  if (up() && std::exchange(journal_is_cut_, false))
    for (const auto& [job, on_disk] : jobs_)
      if (!engine_->queue().Find(job.second)) world_.outputs.Lost(index_, job.second);
  if (!up()) return;
  if (auto connected = ConnectLauncher(); !connected) Die(connected.error().message);
}

void SimHost::Die(const std::string& how) {
  if (!up()) return;
  world_.timeline.Note(fmt::format("agent {} dies: {}", index_, how));
  if (engine_->in_doubt()) JournalIsCut();
  Forget();
  watcher_.Forget();
  check_.Dies();
  inbox_.clear();
  files_.Die();
  waker_.Cancel();
  death_.Forget();
  dies_launching_ = false;
  network_.AgentDied(*this);
  if (on_death_) on_death_();
}

// Its disk could not keep what it had written, and it held the only copy (docs/reliability.md says what that means).
void SimHost::JournalIsCut() {
  world_.situations.Saw("agent", "dies while its journal is in doubt");
  journal_is_cut_ = true;
  world_.ledger.JournalIsCut(index_);
  check_.JournalIsCut();
}

// What a process that is gone had in its memory.
void SimHost::Forget() {
  disk_.Freeze();
  socket_.reset();
  engine_.reset();
  journal_.reset();
  disk_.Thaw();
}

void SimHost::Crash() {
  world_.timeline.Note(fmt::format("host {} crashes", index_));
  world_.ledger.HostMayLose(index_);
  network_.HostDied(*this);
  on_ = false;
  Die("its host crashed");
  launcher_.reset();
  ++launchers_;
  KillOrphans();
  disk_.Crash();
  world_.outputs.HostCrashes(index_, ContentsOfHostLog(disk_));
  check_.HostCrashes();
  journal_is_cut_ = true;
  clock_.Reboot(world_.timeline.now());
  ++boot_;
}

void SimHost::Hang(Duration time) {
  if (!up()) return;
  world_.timeline.Note(fmt::format("agent {} hangs for {}", index_, FormatDuration(time)));
  well_since_ = std::max(well_since_, world_.timeline.now() + time);
  waker_.HangUntil(well_since_);
  check_.Disturbed(well_since_);
}

void SimHost::Upgrade() {
  ++release_;
  Die("it is upgraded");
}

void SimHost::Reinstall(bool machine) {
  world_.timeline.Note(fmt::format("agent {} is installed anew{}", index_, machine ? " on a new machine" : ""));
  world_.ledger.HostMayLose(index_);
  if (machine) Crash();
  Die(machine ? "its machine is another one" : "its journal and its blobs are removed");
  world_.ledger.AgentForgets();
  ++installation_;
  journal_is_cut_ = true;
  world_.outputs.HostLoses(index_, machine);
  machine ? disk_.Wipe() : disk_.Wipe("agent");
  files_.Wipe();
}

// ---- Steps ------------------------------------------------------------------------------------

void SimHost::Post(AgentInput input) {
  if (!up()) return;
  inbox_.push_back(std::move(input));
  Wake();
}

void SimHost::Wake() {
  waker_.WakeAt(world_.timeline.now() + world_.dice.Between(Duration(10), milliseconds(1)));
}

void SimHost::Step() {
  if (up()) Step(std::exchange(inbox_, {}));
}

void SimHost::Step(std::vector<AgentInput> inputs) {
  if (auto taken = TakeFromLauncher(inputs); !taken) return Die(taken.error().message);
  check_.Takes(inputs);
  AfterStep(engine_->Step(std::move(inputs), clock_.Read(world_.timeline.now())));
}

void SimHost::AfterStep(const Status& stepped) {
  if (stepped && !death_.was_met()) SendOrders();
  if (death_.planned()) return Die("in the middle of a step");
  if (!stepped) return Die(stepped.error().message);
  trim_->Step(engine_->queue(), talk_->log_end());
  watcher_.See(engine_->queue());
  check_.Stepped(engine_->queue());
  if (std::string wrong = engine_->queue().Check(); !wrong.empty())
    world_.ledger.Violation(fmt::format("agent {}'s own check: {}", index_, wrong));
  auto deadline = engine_->NextDeadline();
  if (!deadline) return;
  if (spin_.Spins(*deadline <= clock_.Read(world_.timeline.now()).mono))
    world_.ledger.Violation(
        fmt::format("invariant 9: agent {}'s next deadline stays in the past: it would spin", index_));
  waker_.WakeAt(std::max(clock_.When(*deadline), world_.timeline.now() + milliseconds(1)));
}

void SimHost::Later(Duration delay, std::string_view kind, QueueEvent event) {
  world_.timeline.After(delay, kind, index_, [this, life = life_, event = std::move(event)] {
    if (life == life_) Post(agent_input::Tell{event, {}});
  });
}

// What the log has of attempts that a crash of the host has ended.
Result<OutputsInLog> SimHost::OutputsLeft(const std::vector<JournalRecord>& records, const std::string& boot) {
  auto outputs = OutputLeft(
      kHostLog, records, boot, clock_.Read(world_.timeline.now()).wall,
      [this](const std::string& text) { world_.timeline.Note(text); }, disk_);
  log_before_ = ContentsOfHostLog(disk_);
  return outputs;
}

// ---- The launcher -----------------------------------------------------------------------------

Status SimHost::StartLauncher() {
  ++launchers_;
  launcher_release_ = release_;
  if (has_cgroups_) KillOrphans();
  to_launcher_ = from_launcher_ = Duration(0);
  auto write = [this, launcher = launchers_](const std::shared_ptr<LauncherSocket>& socket, std::string bytes) {
    if (launcher == launchers_) FromLauncher(socket, std::move(bytes));
  };
  auto says = [this](const launcher::Ended& ended) { check_.Launcher(up() ? &engine_->queue() : nullptr, ended); };
  auto leave = [this, launcher = launchers_] {
    world_.timeline.After(milliseconds(1), "launcher leaves", index_, [this, launcher] {
      if (launcher == launchers_) LauncherEnds();
    });
  };
  CROMT_ASSIGN(auto log, seglog::Writer::Open(kHostLog, kHostLogSegment, disk_));
  launcher_ = std::make_unique<SimLauncher>(world_, index_, fmt::format("launcher-{}-{}", index_, launchers_),
                                            std::move(log), jobs_, SimLauncher::Callbacks{write, says, leave});
  return {};
}

void SimHost::HangLauncher(Duration time, bool hears) {
  world_.timeline.Note(
      fmt::format("launcher of host {} {} for {}", index_, hears ? "says nothing" : "hangs", FormatDuration(time)));
  const Duration until = world_.timeline.now() + time;
  if (!hears) to_launcher_ = std::max(to_launcher_, until);
  from_launcher_ = std::max({from_launcher_, to_launcher_, until});
  check_.Disturbed(from_launcher_);
}

void SimHost::HangProcesses(Duration time) {
  world_.timeline.Note(fmt::format("processes of host {} hang for {}", index_, FormatDuration(time)));
  if (launcher_) launcher_->NothingEndsBefore(world_.timeline.now() + time);
}

void SimHost::KillLauncher() {
  if (!on_ || !launcher_) return;
  world_.timeline.Note(fmt::format("launcher of host {} dies", index_));
  world_.ledger.HostMayLose(index_);
  check_.Disturbed(Duration(0));
  if (world_.dice.PerCent(50))
    for (const auto& [mark, process] : launcher_->TakeProcesses()) {
      orphans_.emplace(mark, process);
      world_.timeline.After(world_.dice.Between(Duration(0), seconds(60)), "orphan ends", index_,
                            [this, mark = mark] { KillOrphans(mark); });
    }
  LauncherEnds();
}

void SimHost::KillOrphans(std::string mark) {
  for (auto orphan = orphans_.find(mark); orphan != orphans_.end(); orphan = orphans_.find(mark)) {
    world_.ledger.ProcessEnded(orphan->second, {.kind = AttemptResult::Kind::kLost});
    orphans_.erase(orphan);
  }
}

void SimHost::KillOrphans() {
  while (!orphans_.empty()) KillOrphans(orphans_.begin()->first);
}

// What it has said still arrives, and its end behind that. The agent starts the next one.
void SimHost::LauncherEnds() {
  launcher_.reset();
  if (!socket_) return;
  AfterLauncherSaid([this, socket = socket_] {
    socket->ended = true;
    if (socket == socket_) Wake();
  });
}

// A busy launcher answers when the agent has met its coordinators.
Status SimHost::ConnectLauncher() {
  if (!launcher_) CROMT_TRY(StartLauncher());
  if (world_.dice.PerCent(20)) {
    from_launcher_ = std::max(from_launcher_, world_.timeline.now() + world_.dice.Between(Duration(0), seconds(5)));
    check_.Disturbed(from_launcher_);
    // Who is installed anew meets nobody before it has answered.
    world_.ledger.HostWasTroubled(index_);
    world_.ledger.HostWasAway(index_);
  }
  socket_ = std::make_shared<LauncherSocket>();
  std::string hello;
  launcher::Encode(launcher::ToLauncher(launcher::Hello{}), hello);
  ToLauncher(std::move(hello));
  talk_->Connected();
  Post(agent_input::LauncherConnected{});
  return {};
}

// As the supervisor does: what came before the end of the connection first, and then that.
Status SimHost::TakeFromLauncher(std::vector<AgentInput>& inputs) {
  if (!socket_) return {};
  std::string_view rest = socket_->at_agent;
  auto messages = launcher::DecodeAllFromLauncher(rest);
  if (!messages) {
    world_.ledger.Violation("an agent can't read its launcher: " + messages.error().message);
    return {};
  }
  socket_->at_agent.erase(0, socket_->at_agent.size() - rest.size());
  if (!messages->empty()) {
    talk_->Take(*messages, engine_->queue(), inputs);
    if (socket_->ended) Wake();
  } else if (socket_->ended) {
    talk_->Broke("it was closed", inputs);
    return ConnectLauncher();
  }
  return {};
}

// Who dies over this has written only some of it, maybe a message by half.
void SimHost::SendOrders() {
  if (!socket_ || talk_->orders().empty()) return;
  std::string bytes;
  for (const launcher::ToLauncher& order : talk_->orders()) launcher::Encode(order, bytes);
  talk_->Sent();
  if (death_.planned()) bytes.resize(world_.dice.Below(bytes.size() + 1));
  ToLauncher(std::move(bytes));
}

void SimHost::ToLauncher(std::string bytes) {
  const size_t first = world_.dice.PerCent(10) ? world_.dice.Below(bytes.size() + 1) : bytes.size();
  for (std::string piece : {bytes.substr(0, first), bytes.substr(first)}) {
    if (piece.empty()) continue;
    to_launcher_ = std::max(to_launcher_, world_.timeline.now() + world_.dice.Between(Duration(5), milliseconds(1)));
    world_.timeline.At(to_launcher_, "to launcher", index_,
                       [this, socket = socket_, launcher = launchers_, piece = std::move(piece)] {
                         if (launcher_ && launcher == launchers_) launcher_->Arrived(socket, piece);
                       });
  }
}

void SimHost::FromLauncher(const std::shared_ptr<LauncherSocket>& socket, std::string bytes) {
  const size_t first = world_.dice.PerCent(10) ? world_.dice.Below(bytes.size() + 1) : bytes.size();
  for (std::string piece : {bytes.substr(0, first), bytes.substr(first)}) {
    if (piece.empty()) continue;
    AfterLauncherSaid([this, socket, piece = std::move(piece)] {
      socket->at_agent += piece;
      if (socket == socket_) Wake();
    });
  }
}

void SimHost::AfterLauncherSaid(std::function<void()> what) {
  from_launcher_ = std::max(from_launcher_, world_.timeline.now() + world_.dice.Between(Duration(5), milliseconds(1)));
  world_.timeline.At(from_launcher_, "from launcher", index_, std::move(what));
}

void SimHost::LogGrew(launcher::LogPosition) {
  network_.OutputGrew(*this);
}

std::optional<AttemptId> SimHost::AttemptOf(Ticket ticket, const MeshId& mesh) const {
  const QueuedAttempt* attempt = up() ? engine_->queue().Find(ticket) : nullptr;
  return attempt && attempt->mesh == mesh ? std::optional(attempt->id) : std::nullopt;
}

void SimHost::Replaces() {
  world_.situations.Saw("launcher", "of before an upgrade, and replaced");
}

void SimHost::Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) {
  for (const QueuedAttempt* attempt : lost) {
    if (orphans_.contains(MarkOf(*attempt))) world_.situations.Saw("launcher", "died, and its processes lived on");
    KillOrphans(MarkOf(*attempt));
  }
  up.written = OutputOfLost(kHostLog, up.log_end, lost, disk_);
  log_before_ = ContentsOfHostLog(disk_);
  if (orphans_.empty() || !up.known.empty()) return;
  world_.situations.Saw("launcher", "died, and left what no journal tells of");
  KillOrphans();
}

void SimHost::Complete(const launcher::Ended&, const QueuedAttempt*, queue_event::LauncherEnded& event) {
  event.workspace_clean = world_.dice.PerCent(70);
}

// ---- Edges ------------------------------------------------------------------------------------

void SimHost::Launch(const QueuedAttempt& attempt, uint32_t slot) {
  check_.Begins(engine_->queue(), attempt);
  check_.Launches(attempt);
  const SecretValues wanted = SecretsFor(*attempt.spec);
  if (!attempt.spec->secrets.empty() && (!attempt.secrets || *attempt.secrets != *wanted))
    world_.ledger.Violation(ToString(attempt.id) + " is started without its secrets");
  world_.ledger.CheckInputs(attempt.id, attempt.inputs);
  const Digest& tree = attempt.spec->source.tree;
  if (!tree.empty() && !files_.IsStaged(attempt.ticket, tree))
    world_.ledger.Violation(ToString(attempt.id) + " is started without the files of its repository");
  if (attempt.inputs)
    for (const LeaseInput& input : *attempt.inputs)
      if (!files_.IsStaged(attempt.ticket, input.artifact.digest))
        world_.ledger.Violation(fmt::format("{} is started without {}", ToString(attempt.id), input.path));
  if (std::exchange(dies_launching_, false)) death_.After(0);
  if (!death_.Leaves()) return;
  const std::string mark = MarkOf(attempt);
  jobs_[{mark, attempt.ticket}] = {attempt.id, attempt.spec, attempt.mesh == kPlainMesh};
  const launcher::Start start{.log_id = attempt.ticket,
                              .mark = mark,
                              .argv = {"job"},
                              .cwd = "/",
                              .slot = slot,
                              .timeout_us = static_cast<uint64_t>(attempt.spec->timeout.value_or(Duration(0)).count()),
                              .grace_us = static_cast<uint64_t>(attempt.spec->grace.count())};
  talk_->Start(start);
  if (world_.options.bugs.forgetful_launcher && world_.dice.PerCent(10)) talk_->Start(start);
}

void SimHost::StopProcess(Ticket ticket) {
  if (const QueuedAttempt* attempt = engine_->queue().Find(ticket)) check_.Stops(attempt->id);
  if (death_.Leaves()) talk_->Stop(ticket);
}

void SimHost::ForgetResult(Ticket ticket) {
  check_.ForgetsResult(ticket);
  if (death_.Leaves()) talk_->Forget(ticket);
}

void SimHost::Prepare(const QueuedAttempt& attempt, uint32_t) {
  check_.Begins(engine_->queue(), attempt);
  if (death_.Leaves()) files_.Prepare(attempt);
}

void SimHost::TakeBlob(const Digest& digest, const std::string& bytes) {
  if (up()) files_.Take(digest, bytes);
}

void SimHost::CleanSlot(uint32_t slot) {
  if (death_.Leaves())
    Later(world_.dice.Between(milliseconds(1), milliseconds(50)), "slot cleaned", queue_event::SlotCleaned{slot});
}

void SimHost::StopPreparing(Ticket ticket) {
  if (death_.Leaves()) files_.StopPreparing(ticket);
}

void SimHost::Publish(const QueuedAttempt& attempt, uint32_t) {
  if (death_.Leaves()) files_.Publish(attempt);
}

void SimHost::BlobFailed(const BlobFailure& failure) {
  files_.Failed(failure);
}

void SimHost::Send(StreamId stream, FromAgent message) {
  if (stream == kAsks) return AnswerAsked(message);
  if (message.hello) check_.Answers(stream);
  if (death_.Leaves()) network_.Send(stream, std::move(message));
}

void SimHost::Close(StreamId stream, const Error& why) {
  if (stream == kAsks) {
    asked_ = Result<InspectedAgent>(tl::unexpected(why));
    return;
  }
  check_.Closes(stream);
  world_.timeline.Note(fmt::format("agent {} closes stream {}: {}", index_, stream, why.message));
  if (why.code == ErrorCode::kTimeout && network_.WasWell(stream))
    world_.ledger.Violation(fmt::format("stream {} is closed as silent, and nothing was wrong with it", stream));
  if (death_.Leaves()) network_.CloseByAgent(stream);
}

bool SimHost::Answers(const MeshId& mesh) const {
  return up() && !waker_.hangs() && engine_->queue().WhyNotMet(mesh, clock_.Read(world_.timeline.now()), true).empty();
}

// While the coordinator is down: at once, as far as everybody else can see.
Result<InspectedAgent> SimHost::Inspect(const MeshId& mesh) {
  asked_ = InspectedAgent{network_.AddressesOf(*this), {}, {}};
  asked_all_ = false;
  ToAgent message;
  message.hello = CoordinatorHello{.mesh = mesh, .inspect = true};
  Step({agent_input::StreamOpened{kAsks}, agent_input::StreamMessage{kAsks, message}});
  while (up() && *asked_ && !asked_all_) Step({agent_input::StreamWritable{kAsks}});
  Post(agent_input::StreamClosed{kAsks});
  if (*asked_ && !asked_all_) return Fail(ErrorCode::kUnavailable, "it died");
  return *std::exchange(asked_, {});
}

void SimHost::AnswerAsked(const FromAgent& message) {
  InspectedAgent& agent = **asked_;
  if (message.hello) agent.hello = *message.hello;
  agent.inventory.insert(agent.inventory.end(), message.inventory.begin(), message.inventory.end());
  asked_all_ |= message.inventory_done;
}

std::string SimHost::Leftover() const {
  if (!up()) return "the agent is down";
  if (!engine_->queue().idle()) return "the agent's queue is not idle";
  // Jobs that were submitted to itself stay readable.
  if (const size_t left = engine_->queue().attempts() - engine_->queue().Jobs().size(); left != 0)
    return fmt::format("the agent still knows {} attempts", left);
  if (!launcher_ || !launcher_->empty()) return "the launcher still knows a process";
  return "";
}

}  // namespace cromt::sim
