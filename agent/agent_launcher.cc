// How the agent finds its launcher, hears it, and tells its queue what that means.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <unordered_set>

#include "agent/agent.h"
#include "agent/first_line.h"
#include "agent/job_secrets.h"
#include "agent/launcher/remains.h"
#include "agent/output_left.h"

namespace cromt {
namespace {

queue_event::LauncherStarted StartedEvent(const launcher::Started& started) {
  return {started.log_id, WallFromMicros(started.wall_us), started.log_begin};
}

constexpr Duration kLauncherPatience = seconds(10);
// For one that is stopping its jobs before it leaves, and how long a connection to it is tried at a time.
constexpr Duration kLeavingPatience = seconds(30);
constexpr Duration kLeavingPause = milliseconds(200);

}  // namespace

Status Agent::ConnectLauncher() {
  launcher_ready_ = false;
  hello_ = {};
  known_.clear();
  if (options_.launcher.is_service) {
    CROMT_ASSIGN(launcher_, LauncherClient::Connect(dir_->path(), kLeavingPatience));
    Post(agent_input::LauncherConnected{launcher_->pid()});
    return {};
  }
  const std::string program = options_.program_dir + "/cromt-launcher";
  for (const Mono until = clock_.Read().mono + kLeavingPatience;;) {
    auto started = StartLauncher(program, dir_->path(), options_.launcher, kLauncherPatience);
    if (!started && started.error().code != ErrorCode::kConflict) return started;  // kConflict: one lives already
    auto client = LauncherClient::Connect(dir_->path(), started ? kLauncherPatience : kLeavingPause);
    if (client) {
      launcher_ = std::move(*client);
      Post(agent_input::LauncherConnected{launcher_->pid()});
      return {};
    }
    const bool leaves = !started && client.error().code == ErrorCode::kUnavailable;
    if (!leaves || clock_.Read().mono >= until) return tl::unexpected<Error>(std::move(client).error());
  }
}

Status Agent::TakeFromLauncher(std::vector<AgentInput>& inputs) {
  if (!launcher_) return {};
  if (launcher_->wants_write()) (void)launcher_->Flush();
  auto messages = launcher_->Receive();
  if (messages) {
    for (const launcher::FromLauncher& message : *messages) Translate(message, inputs);
    return {};
  }
  if (stopping_) return {};
  if (launcher_gone_) {
    launcher_.reset();
    std::exchange(launcher_gone_, nullptr)->set_value();
    return {};
  }
  options_.warn(
      fmt::format("the connection to the launcher (process {}) broke: {}; it is made again, with a new launcher if "
                  "that one has ended",
                  launcher_->pid(), messages.error().message));
  inputs.push_back(agent_input::Tell{queue_event::LauncherDown{messages.error().message}, {}});
  inputs.push_back(agent_input::OutputBlocked{""});  // the next one says so itself
  to_launcher_.clear();
  return ConnectLauncher();
}

void Agent::Translate(const launcher::FromLauncher& message, std::vector<AgentInput>& inputs) {
  auto tell = [&](QueueEvent event) { inputs.push_back(agent_input::Tell{std::move(event), {}}); };
  if (const auto* hello = std::get_if<launcher::Hello>(&message)) {
    hello_.incarnation = hello->incarnation;
    launcher_level_ = hello->level;
    hello_.log_end = log_end_ = hello->log_end;
    logs_->Advanced(log_end_);
  } else if (const auto* known = std::get_if<launcher::Known>(&message)) {
    hello_.known.push_back({known->started.log_id, !known->ended});
    known_.push_back(*known);
  } else if (std::holds_alternative<launcher::Ready>(message)) {
    if (ReplaceLauncher()) return;
    launcher_ready_ = true;
    DropStarts();
    const auto lost = BegunByOthers(hello_.incarnation);
    hello_.remains = StopRemains(hello_, lost);
    SayLauncherIsUp(lost.size());
    tell(hello_);
    for (const launcher::Known& known_one : known_) {
      if (known_one.ended)
        inputs.push_back(EndedInput(*known_one.ended));
      else
        tell(StartedEvent(known_one.started));
    }
  } else if (const auto* started = std::get_if<launcher::Started>(&message)) {
    tell(StartedEvent(*started));
  } else if (const auto* ended = std::get_if<launcher::Ended>(&message)) {
    log_end_ = std::max(log_end_, ended->log_end);
    inputs.push_back(EndedInput(*ended));
  } else if (const auto* moved = std::get_if<launcher::LogEnd>(&message)) {
    log_end_ = std::max(log_end_, moved->position);
    logs_->Advanced(log_end_);
  } else if (const auto* trouble = std::get_if<launcher::Trouble>(&message)) {
    options_.warn(trouble->text);
    inputs.push_back(agent_input::OutputBlocked{trouble->text.starts_with(launcher::kHeldBack) ? trouble->text : ""});
  }
}

// Those that were asked for after the connection before had broken, and before the queue had heard of that: it decides
// anew by what this launcher says, which knows of none of them, so that they are called lost or begun again.
void Agent::DropStarts() {
  std::erase_if(to_launcher_, [](const auto& order) { return std::holds_alternative<launcher::Start>(order); });
}

// One of before an upgrade of this agent that has nothing to do; the next one is of now. Else it stays, with its jobs.
bool Agent::ReplaceLauncher() {
  if (launcher_level_ >= launcher::kLevel && !launcher_->is_of_before()) return false;
  if (!known_.empty() || !BegunByOthers("").empty()) return false;
  options_.warn(
      fmt::format("the launcher (process {}) is of before this agent's upgrade and has nothing to do: it is replaced",
                  launcher_->pid()));
  return launcher_->Send(std::array{launcher::ToLauncher(launcher::Shutdown{})}).has_value();
}

// What another launcher was asked to start, and has not said that it ended.
std::vector<const QueuedAttempt*> Agent::BegunByOthers(const std::string& incarnation) const {
  std::vector<const QueuedAttempt*> begun;
  for (const InventoryTicket& item : engine_->queue().Tickets()) {
    const QueuedAttempt& attempt = *engine_->queue().Find(item.ticket);
    if (attempt.phase != QueuedAttempt::Phase::kLaunching && attempt.phase != QueuedAttempt::Phase::kRunning) continue;
    if (attempt.incarnation != incarnation) begun.push_back(&attempt);
  }
  return begun;
}

// Another launcher than the one that started them can't end them: what is left of them is stopped before they are
// called lost, and what it has written of their output is counted. Blocks for as long as that takes; there is nothing
// else to be done with a launcher that is just up.
std::string Agent::StopRemains(queue_event::LauncherUp& launcher, const std::vector<const QueuedAttempt*>& lost) {
  const std::string left = FirstLine(launcher::LeftPath(dir_->path()));
  if (!left.empty()) ::unlink(launcher::LeftPath(dir_->path()).c_str());
  std::unordered_set<std::string> marks;
  std::unordered_set<Ticket> tickets;
  uint64_t begin = launcher.log_end;
  for (const QueuedAttempt* attempt : lost) {
    marks.insert(MarkOf(*attempt));
    tickets.insert(attempt->ticket);
    begin = std::min(begin, attempt->log_begin);  // 0 where its start was not told
  }
  if (marks.empty()) return {};
  launcher.written = OutputWritten(launcher::LogDir(dir_->path()), begin, tickets);
  auto killed = launcher::KillMarked(marks);
  if (!killed) return killed.error().message;
  if (*killed == 0) return left;
  return fmt::format("{} that it left running {} stopped",
                     *killed == 1 ? "a process" : fmt::format("{} processes", *killed), *killed == 1 ? "was" : "were");
}

// To the operator, unless it is the first launcher that this agent hears of and nothing is lost by it.
void Agent::SayLauncherIsUp(size_t lost) {
  const std::string before = std::exchange(last_incarnation_, hello_.incarnation);
  if (before == hello_.incarnation)
    return options_.warn(
        fmt::format("the launcher (process {}) is connected again, and its jobs go on", launcher_->pid()));
  if (before.empty() && lost == 0) return;
  std::string became = lost == 0   ? "no job is lost by that"
                       : lost == 1 ? "one job is called lost"
                                   : fmt::format("{} jobs are called lost", lost);
  if (lost > 0) became += "; " + (hello_.remains.empty() ? "no process of it is left" : hello_.remains);
  options_.warn(
      fmt::format("the launcher has ended, and a new one was started (process {}): {}", launcher_->pid(), became));
}

AgentInput Agent::EndedInput(const launcher::Ended& ended) {
  AttemptResult result;
  using Cause = launcher::Ended::Cause;
  result.kind = ended.cause == Cause::kStopped    ? AttemptResult::Kind::kStopped
                : ended.cause == Cause::kTimedOut ? AttemptResult::Kind::kTimedOut
                : ended.cause == Cause::kItself   ? AttemptResult::Kind::kExited
                                                  : AttemptResult::Kind::kNotStarted;
  if (ended.cause == Cause::kNotSpawned) {
    result.reason =
        ended.reason.empty() ? ErrnoError("its process could not be made", ended.spawn_errno).message : ended.reason;
  } else {
    result.status = ended.signal != 0 ? ExitStatus(Signaled{ended.signal}) : ExitStatus(Exited{ended.exit_code});
    result.started_at = WallFromMicros(ended.started_wall_us);
    result.ended_at = WallFromMicros(ended.ended_wall_us);
  }
  const QueuedAttempt* attempt = engine_->queue().Find(ended.log_id);
  if (ended.cause == Cause::kStopped) result.reason = "stopped";
  if (ended.cause == Cause::kTimedOut && attempt && attempt->spec->timeout)
    result.reason = "it ran longer than its timeout of " + FormatDuration(*attempt->spec->timeout);
  result.log_bytes = ended.log_bytes;
  if (result.kind == AttemptResult::Kind::kExited && result.reason.empty())
    result.reason = HowItEnded(attempt, result.status, ended.out_of_memory);
  if (attempt && attempt->slot && attempt->spec->container)
    result.image_digest = ImageThatRan(workspaces_->BoxPath(*attempt->slot));
  const bool clean = attempt && attempt->slot && workspaces_->IsClean(*attempt->slot) &&
                     !NeedsScriptFile(*attempt->spec) && !HasSecretFiles(*attempt->spec);
  return agent_input::Tell{
      queue_event::LauncherEnded{ended.log_id, std::move(result), ended.log_begin, ended.log_end, clean}, {}};
}

// In words, where there is more to say than its exit code. `attempt` may be null.
std::string Agent::HowItEnded(const QueuedAttempt* attempt, const std::optional<ExitStatus>& status,
                              bool out_of_memory) const {
  if (!attempt || !attempt->slot || !status) return "";
  const int code = ShellCode(*status);
  const Resources limits = Least(attempt->spec->limits, options_.limits);
  if (!attempt->spec->container) return out_of_memory && code != 0 ? OutOfMemory(limits) : "";
  // One that runs already has limits of its own.
  const bool killed = code == 128 + SIGKILL && attempt->spec->container->existing.empty();
  return HowContainerEnded(workspaces_->BoxPath(*attempt->slot), limits, killed);
}

}  // namespace cromt
