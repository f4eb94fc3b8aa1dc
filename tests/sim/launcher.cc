#include "tests/sim/launcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "tests/sim/files.h"

namespace cromt::sim {
namespace {

constexpr Duration kRetryAfter = milliseconds(250);  // as the launcher's

launcher::Ended EndOf(const launcher::Started& started, const AttemptResult& result, uint64_t log_end) {
  using Cause = launcher::Ended::Cause;
  launcher::Ended ended{.log_id = started.log_id,
                        .cause = result.kind == AttemptResult::Kind::kStopped    ? Cause::kStopped
                                 : result.kind == AttemptResult::Kind::kTimedOut ? Cause::kTimedOut
                                                                                 : Cause::kItself,
                        .started_wall_us = started.wall_us,
                        .ended_wall_us = Micros(*result.ended_at),
                        .log_begin = started.log_begin,
                        .log_end = log_end,
                        .log_bytes = result.log_bytes};
  if (const auto* exited = std::get_if<Exited>(&*result.status)) ended.exit_code = exited->code;
  if (const auto* signaled = std::get_if<Signaled>(&*result.status)) ended.signal = signaled->signal;
  return ended;
}

}  // namespace

SimLauncher::SimLauncher(World& world, size_t host, std::string incarnation, seglog::Writer log, const JobsOnDisk& jobs,
                         Callbacks callbacks)
    : world_(world),
      host_(host),
      incarnation_(std::move(incarnation)),
      sink_(std::move(log)),
      on_disk_(jobs),
      callbacks_(std::move(callbacks)) {}

SimLauncher::~SimLauncher() {
  *alive_ = false;
  for (const auto& [ticket, job] : jobs_)
    if (!job.ended) world_.ledger.ProcessEnded(job.process, {.kind = AttemptResult::Kind::kLost});
}

bool SimLauncher::runs() const {
  return std::ranges::any_of(jobs_, [](const auto& job) { return !job.second.ended; });
}

std::multimap<std::string, size_t> SimLauncher::TakeProcesses() {
  std::multimap<std::string, size_t> taken;
  for (const auto& [ticket, job] : std::exchange(jobs_, {}))
    if (!job.ended) taken.emplace(job.mark, job.process);
  return taken;
}

// ---- What the agent says ------------------------------------------------------------------------

void SimLauncher::Arrived(const std::shared_ptr<LauncherSocket>& socket, std::string_view bytes) {
  if (socket->hung_up) return;
  socket->at_launcher += bytes;
  std::string_view rest = socket->at_launcher;
  for (;;) {
    auto message = launcher::DecodeToLauncher(rest);
    if (!message) world_.ledger.Violation("a launcher can't read what its agent says: " + message.error().message);
    if (!message || !*message) break;
    if (std::holds_alternative<launcher::Hello>(**message)) {
      if (agent_) agent_->hung_up = true;
      agent_ = socket;
    }
    if (socket != agent_) return world_.ledger.Violation("an agent does not begin with a hello to its launcher");
    std::visit([this](const auto& one) { On(one); }, **message);
  }
  socket->at_launcher.erase(0, socket->at_launcher.size() - rest.size());
  Flush();
}

void SimLauncher::On(const launcher::Hello&) {
  unsent_.clear();
  log_end_told_ = sink_.position();
  roster_.Greet({.incarnation = incarnation_, .pid = 1, .log_end = log_end_told_},
                [this](const launcher::FromLauncher& message) { Send(message); });
}

void SimLauncher::On(const launcher::Start& start) {
  const auto on_disk = on_disk_.find({start.mark, start.log_id});
  if (on_disk == on_disk_.end()) return world_.ledger.Violation("a launcher is to start what is not there");
  const bool begins_again = world_.options.bugs.forgetful_launcher && jobs_.contains(start.log_id);
  switch (begins_again ? launcher::Roster::Verdict::kBegin : roster_.Judge(start)) {
    case launcher::Roster::Verdict::kKnown: return;
    case launcher::Roster::Verdict::kLeaving: return Refuse(start, ESHUTDOWN, false);
    case launcher::Roster::Verdict::kFull: return Refuse(start, EAGAIN, false);
    case launcher::Roster::Verdict::kInvalid: return Refuse(start, EINVAL, true);
    case launcher::Roster::Verdict::kBegin: break;
  }
  if (begins_again && !jobs_.at(start.log_id).ended)
    world_.ledger.ProcessEnded(jobs_.at(start.log_id).process, {.kind = AttemptResult::Kind::kLost});
  if (!world_.dice.PerMille(5)) return Begin(start, on_disk->second);
  world_.ledger.CouldNotStart(on_disk->second.id);
  Refuse(start, ENOMEM, true);
}

void SimLauncher::Refuse(const launcher::Start& start, int error, bool keep) {
  const auto known =
      launcher::NotSpawned(start, error, "", WallFromMicros(world_.timeline.now().count()), sink_.position());
  if (keep) roster_.Keep(known);
  Send(*known.ended);
}

void SimLauncher::Begin(const launcher::Start& start, JobOnDisk on_disk) {
  Job& job = jobs_[start.log_id];
  job = Job{.on_disk = std::move(on_disk), .mark = start.mark, .grace = Duration(start.grace_us)};
  job.process = world_.ledger.ProcessStarted(job.on_disk.id, host_);
  job.started = {
      .log_id = start.log_id, .pid = 2, .wall_us = world_.timeline.now().count(), .log_begin = sink_.position()};
  roster_.Began(job.started);
  Send(job.started);
  Dice& dice = world_.dice;
  Duration length = dice.PerCent(60)   ? dice.Between(Duration(200), milliseconds(50))
                    : dice.PerCent(80) ? dice.Between(milliseconds(50), seconds(5))
                                       : dice.Between(seconds(5), seconds(60));
  if (dice.PerCent(20))
    for (uint64_t pieces = dice.Between(1, 3); pieces > 0; --pieces)
      PrintAfter(dice.Between(Duration(1), length), start.log_id);
  if (const Duration timeout(start.timeout_us); timeout.count() > 0 && length > timeout) {
    AttemptResult late{.kind = AttemptResult::Kind::kTimedOut, .status = Signaled{15}};
    return EndAfter(timeout + dice.Between(Duration(0), job.grace), start.log_id, std::move(late));
  }
  EndAfter(length, start.log_id, OwnEnd(*job.on_disk.spec));
}

void SimLauncher::On(const launcher::Stop& stop) {
  auto found = jobs_.find(stop.log_id);
  if (found == jobs_.end() || found->second.stopping || found->second.ended) return;
  found->second.stopping = true;
  bool obeys = world_.dice.PerCent(80);
  Duration delay = obeys ? world_.dice.Between(Duration(100), milliseconds(200)) : found->second.grace;
  EndAfter(delay, stop.log_id, {.kind = AttemptResult::Kind::kStopped, .status = Signaled{obeys ? 15 : 9}});
}

void SimLauncher::On(const launcher::Shutdown&) {
  roster_.Leave();
  leaves_ = true;
}

// ---- Processes ----------------------------------------------------------------------------------

// Mostly well; sometimes as its exit policy knows it, by a signal, or badly.
AttemptResult SimLauncher::OwnEnd(const TaskSpec& spec) {
  AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{0}};
  uint64_t draw = world_.dice.Below(100);
  const auto& policy = spec.exit_policy;
  if (draw < 3) result.status = Exited{7};
  if (draw == 3) result.status = Signaled{11};
  if (draw > 80) result.status = Exited{policy.success.back()};
  if (draw > 95 && !policy.stop.empty()) result.status = Exited{policy.stop.front()};
  return result;
}

// What can't be written fills the pipe, and the process waits.
void SimLauncher::PrintAfter(Duration delay, Ticket ticket) {
  const size_t process = jobs_.at(ticket).process;
  world_.timeline.After(delay, "process prints", ticket, [this, alive = alive_, ticket, process] {
    if (!*alive) return;
    const auto job = jobs_.find(ticket);
    if (job == jobs_.end() || job->second.process != process || job->second.ended) return;
    if (sink_.blocked()) return PrintAfter(kRetryAfter, ticket);
    Print(ticket, job->second, static_cast<int64_t>(world_.dice.Below(1000)));
    WriteLog();
    Flush();
  });
}

void SimLauncher::Print(Ticket ticket, Job& job, int64_t size) {
  if (size == 0) return;
  const PrintedFrame frame{.ticket = ticket,
                           .attempt = job.on_disk.id,
                           .plain = job.on_disk.plain,
                           .process = job.process,
                           .offset = job.printed,
                           .size = size,
                           .at = WallFromMicros(world_.timeline.now().count())};
  job.printed += size;
  job.log_end = std::make_shared<seglog::Position>(0);
  const std::string text = OutputOf(frame.process, frame.offset, frame.size);
  sink_.Add(
      {.log_id = ticket, .offset = static_cast<uint64_t>(frame.offset), .wall_us = Micros(frame.at), .data = text},
      job.log_end);
  job.last_batch = sink_.batch();
  unwritten_.push_back({frame, job.log_end});
  world_.outputs.Printed(frame);
}

bool SimLauncher::WriteLog() {
  const bool was_blocked = sink_.blocked();
  if (!sink_.Flush()) {
    if (!was_blocked) {
      world_.situations.Saw("output", "held back by the host's disk");
      Send(launcher::Trouble{std::string(launcher::kHeldBack)});
      WriteLogAgain();
    }
    return false;
  }
  for (Unwritten& one : std::exchange(unwritten_, {})) {
    one.frame.position = *one.end;
    world_.outputs.Written(host_, one.frame);
  }
  if (was_blocked) Send(launcher::Trouble{"it is written"});
  if (agent_ && log_end_told_ != sink_.position()) Send(launcher::LogEnd{log_end_told_ = sink_.position()});
  return true;
}

void SimLauncher::WriteLogAgain() {
  world_.timeline.After(kRetryAfter, "launcher writes again", host_, [this, alive = alive_] {
    if (!*alive) return;
    if (!WriteLog()) return WriteLogAgain();
    std::vector<Ticket> ended;
    for (const auto& [ticket, job] : jobs_)
      if (job.ended) ended.push_back(ticket);
    for (const Ticket ticket : ended) TellEnd(ticket);
    Flush();
  });
}

void SimLauncher::EndAfter(Duration delay, Ticket ticket, AttemptResult result) {
  size_t process = jobs_.at(ticket).process;
  world_.timeline.After(delay, "process ends", ticket, [this, alive = alive_, ticket, process, result] {
    if (!*alive) return;
    auto job = jobs_.find(ticket);
    if (job == jobs_.end() || job->second.process != process || job->second.ended) return;
    if (result.kind == AttemptResult::Kind::kExited && none_ends_before_ > world_.timeline.now())
      return EndAfter(none_ends_before_ - world_.timeline.now() + world_.dice.Between(Duration(0), seconds(60)), ticket,
                      result);
    End(ticket, result);
  });
}

void SimLauncher::End(Ticket ticket, AttemptResult result) {
  Job& job = jobs_.at(ticket);
  if (world_.dice.PerCent(50)) job.unread = static_cast<int64_t>(world_.dice.Below(1000));
  if (job.stopping) result.kind = AttemptResult::Kind::kStopped;
  result.started_at = WallFromMicros(job.started.wall_us);
  result.ended_at = WallFromMicros(world_.timeline.now().count());
  result.log_bytes = job.printed + job.unread;
  AttemptResult truth = result;
  const TaskOutcome meaning = Meaning(job.on_disk.spec->exit_policy, result);
  const bool ended_well = meaning == TaskOutcome::kSucceeded || meaning == TaskOutcome::kStoppedEarly;
  if (ended_well && !job.on_disk.spec->publishes.empty() && CantPublish(job.on_disk.id))
    truth.kind = AttemptResult::Kind::kNotPublished;
  world_.ledger.ProcessEnded(job.process, truth);
  job.ended = std::move(result);
  TellEnd(ticket);
  Flush();
}

// Once all that it has printed is written.
void SimLauncher::TellEnd(Ticket ticket) {
  Job& job = jobs_.at(ticket);
  if (!sink_.blocked()) {
    Print(ticket, job, std::exchange(job.unread, 0));
    WriteLog();
  }
  if (job.unread > 0 || (job.last_batch > 0 && !sink_.written(job.last_batch))) return;
  const launcher::Known known{job.started,
                              EndOf(job.started, *job.ended, std::max(job.started.log_begin, *job.log_end))};
  jobs_.erase(ticket);
  roster_.Keep(known);
  Send(*known.ended);
}

// ---- To the agent -------------------------------------------------------------------------------

void SimLauncher::Send(const launcher::FromLauncher& message) {
  if (const auto* ended = std::get_if<launcher::Ended>(&message)) callbacks_.says(*ended);
  const auto* known = std::get_if<launcher::Known>(&message);
  if (known && known->ended) callbacks_.says(*known->ended);
  if (agent_) launcher::Encode(message, unsent_);
}

void SimLauncher::Flush() {
  if (!unsent_.empty()) callbacks_.write(agent_, std::exchange(unsent_, {}));
  if (leaves_ && roster_.idle() && std::exchange(leaves_, false)) callbacks_.leave();
}

}  // namespace cromt::sim
