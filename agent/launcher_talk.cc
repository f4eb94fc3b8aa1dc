#include "agent/launcher_talk.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace cromt {
namespace {

queue_event::LauncherStarted StartedEvent(const launcher::Started& started) {
  return {started.log_id, WallFromMicros(started.wall_us), started.log_begin};
}

AttemptResult ResultOf(const launcher::Ended& ended) {
  using Cause = launcher::Ended::Cause;
  AttemptResult result;
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
  if (ended.cause == Cause::kStopped) result.reason = "stopped";
  result.log_bytes = ended.log_bytes;
  return result;
}

// What the queue will call lost when it hears of this launcher: also what that has begun itself and was told to forget
// by a process before this one, whose journal was cut.
std::vector<const QueuedAttempt*> LostWith(const queue_event::LauncherUp& up, const AgentQueue& queue) {
  std::unordered_set<Ticket> known;
  for (const auto& item : up.known) known.insert(item.ticket);
  std::vector<const QueuedAttempt*> lost;
  for (const InventoryTicket& item : queue.Tickets())
    if (const QueuedAttempt& attempt = *queue.Find(item.ticket);
        !known.contains(item.ticket) && IsLost(attempt, up.incarnation))
      lost.push_back(&attempt);
  return lost;
}

}  // namespace

void LauncherTalk::Connected() {
  ready_ = replaces_ = false;
  up_ = {};
  known_.clear();
}

void LauncherTalk::Broke(const std::string& why, std::vector<AgentInput>& inputs) {
  inputs.push_back(agent_input::Tell{queue_event::LauncherDown{why}, {}});
  inputs.push_back(agent_input::OutputBlocked{""});  // the next one says so itself
  orders_.clear();
  ready_ = replaces_ = false;
}

std::span<const launcher::ToLauncher> LauncherTalk::orders() const {
  static const std::array<launcher::ToLauncher, 1> kEnd = {launcher::Shutdown{}};
  if (replaces_) return kEnd;
  return ready_ ? orders_ : std::span<const launcher::ToLauncher>();
}

void LauncherTalk::Sent() {
  if (!std::exchange(replaces_, false)) orders_.clear();
}

void LauncherTalk::Take(std::span<const launcher::FromLauncher> messages, const AgentQueue& queue,
                        std::vector<AgentInput>& inputs) {
  for (const launcher::FromLauncher& message : messages) {
    if (const auto* hello = std::get_if<launcher::Hello>(&message)) {
      up_.incarnation = hello->incarnation;
      level_ = hello->level;
      host_.LogGrew(up_.log_end = log_end_ = hello->log_end);
    } else if (const auto* known = std::get_if<launcher::Known>(&message)) {
      up_.known.push_back({known->started.log_id, !known->ended});
      known_.push_back(*known);
    } else if (std::holds_alternative<launcher::Ready>(message)) {
      Ready(queue, inputs);
    } else if (const auto* started = std::get_if<launcher::Started>(&message)) {
      inputs.push_back(agent_input::Tell{StartedEvent(*started), {}});
    } else if (const auto* ended = std::get_if<launcher::Ended>(&message)) {
      log_end_ = std::max(log_end_, ended->log_end);
      inputs.push_back(EndedInput(*ended, queue));
    } else if (const auto* moved = std::get_if<launcher::LogEnd>(&message)) {
      log_end_ = std::max(log_end_, moved->position);
      host_.LogGrew(log_end_);
    } else if (const auto* trouble = std::get_if<launcher::Trouble>(&message)) {
      host_.Warn(trouble->text);
      inputs.push_back(agent_input::OutputBlocked{trouble->text.starts_with(launcher::kHeldBack) ? trouble->text : ""});
    }
  }
}

void LauncherTalk::Ready(const AgentQueue& queue, std::vector<AgentInput>& inputs) {
  // One of before an upgrade stays with its jobs. Where it has none, the next one is of now.
  const bool is_of_before = level_ < launcher::kLevel || host_.IsOfBefore();
  if (is_of_before && known_.empty() && LostWith({}, queue).empty()) {
    replaces_ = true;
    return host_.Replaces();
  }
  ready_ = true;
  // Starts that were asked for after the connection before had broken, and before the queue had heard of that: it
  // decides anew by what this launcher says, which knows of none of them, so that they are called lost or begun again.
  std::erase_if(orders_, [](const auto& order) { return std::holds_alternative<launcher::Start>(order); });
  host_.Meet(up_, LostWith(up_, queue));
  inputs.push_back(agent_input::Tell{std::move(up_), {}});
  for (const launcher::Known& known : known_) {
    if (known.ended)
      inputs.push_back(EndedInput(*known.ended, queue));
    else
      inputs.push_back(agent_input::Tell{StartedEvent(known.started), {}});
  }
  known_.clear();
}

AgentInput LauncherTalk::EndedInput(const launcher::Ended& ended, const AgentQueue& queue) {
  queue_event::LauncherEnded event{ended.log_id, ResultOf(ended), ended.log_begin, ended.log_end, false};
  host_.Complete(ended, queue.Find(ended.log_id), event);
  return agent_input::Tell{std::move(event), {}};
}

}  // namespace cromt
