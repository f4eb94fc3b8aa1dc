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

constexpr Duration kLauncherPatience = seconds(10);
// For one that is stopping its jobs before it leaves, and how long a connection to it is tried at a time.
constexpr Duration kLeavingPatience = seconds(30);
constexpr Duration kLeavingPause = milliseconds(200);

}  // namespace

Status Agent::ConnectLauncher() {
  talk_.Connected();
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
    talk_.Take(*messages, engine_->queue(), inputs);
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
  talk_.Broke(messages.error().message, inputs);
  return ConnectLauncher();
}

bool Agent::IsOfBefore() {
  return launcher_->is_of_before();
}

void Agent::Replaces() {
  options_.warn(
      fmt::format("the launcher (process {}) is of before this agent's upgrade and has nothing to do: it is replaced",
                  launcher_->pid()));
}

void Agent::Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) {
  up.remains = StopRemains(up, lost);
  SayLauncherIsUp(up, lost.size());
}

// Blocks for as long as that takes; there is nothing else to be done with a launcher that is just up. What has been
// written of their output is counted. Of an agent that may have been installed before under its name, all goes that a
// launcher of then has left, should this one have nothing yet: no journal tells of it any more.
std::string Agent::StopRemains(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) {
  const std::string left = FirstLine(launcher::LeftPath(dir_->path()));
  if (!left.empty()) ::unlink(launcher::LeftPath(dir_->path()).c_str());
  std::unordered_set<std::string> marks;
  const std::string agent_mark = AgentMark(identity_.agent, dir_->path());
  for (const QueuedAttempt* attempt : lost) {
    marks.insert(agent_mark + MarkOf(*attempt));
    marks.insert(MarkOf(*attempt));  // all of the mark, of one that was started before an upgrade
  }
  const bool all = !options_.name.empty() && up.known.empty() && up.incarnation != last_incarnation_;
  if (marks.empty() && !all) return {};
  up.written = OutputOfLost(launcher::LogDir(dir_->path()), up.log_end, lost);
  auto killed = launcher::KillMarked(
      [&](const std::string& mark) { return marks.contains(mark) || (all && mark.starts_with(agent_mark)); });
  if (!killed) return killed.error().message;
  if (*killed == 0) return left;
  return fmt::format("{} that it left running {} stopped",
                     *killed == 1 ? "a process" : fmt::format("{} processes", *killed), *killed == 1 ? "was" : "were");
}

// To the operator, unless it is the first launcher that this agent hears of and nothing is lost by it.
void Agent::SayLauncherIsUp(const queue_event::LauncherUp& up, size_t lost) {
  const std::string before = std::exchange(last_incarnation_, up.incarnation);
  if (before == up.incarnation)
    return options_.warn(
        fmt::format("the launcher (process {}) is connected again, and its jobs go on", launcher_->pid()));
  if (before.empty() && lost == 0) {
    if (!up.remains.empty()) options_.warn("an earlier installation of this agent is gone: " + up.remains);
    return;
  }
  std::string became = lost == 0   ? "no job is lost by that"
                       : lost == 1 ? "one job is called lost"
                                   : fmt::format("{} jobs are called lost", lost);
  if (lost > 0) became += "; " + (up.remains.empty() ? "no process of it is left" : up.remains);
  options_.warn(
      fmt::format("the launcher has ended, and a new one was started (process {}): {}", launcher_->pid(), became));
}

void Agent::Complete(const launcher::Ended& ended, const QueuedAttempt* attempt, queue_event::LauncherEnded& event) {
  AttemptResult& result = event.result;
  if (result.kind == AttemptResult::Kind::kTimedOut && attempt && attempt->spec->timeout)
    result.reason = "it ran longer than its timeout of " + FormatDuration(*attempt->spec->timeout);
  if (result.kind == AttemptResult::Kind::kExited)
    result.reason = HowItEnded(attempt, result.status, ended.out_of_memory);
  if (attempt && attempt->slot && attempt->spec->container)
    result.image_digest = ImageThatRan(workspaces_->BoxPath(*attempt->slot));
  event.workspace_clean = attempt && attempt->slot && workspaces_->IsClean(*attempt->slot) &&
                          !NeedsScriptFile(*attempt->spec) && !HasSecretFiles(*attempt->spec);
}

void Agent::LogGrew(launcher::LogPosition end) {
  logs_->Advanced(end);
}

void Agent::Warn(const std::string& text) {
  options_.warn(text);
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
