// The agent's half of the launcher's protocol (launcher/protocol.h), apart from sockets and processes: what is to be
// sent and when, and what it means to the queue that something has come. Deterministic; the supervisor (agent.h) and
// the simulator run it. Not thread-safe.
//
//   Connected()                       Hello was sent. Nothing else is before the launcher has said what it knows.
//   Take(messages, queue, inputs)     Hello, Known… and Ready become one LauncherUp and what follows of it
//   Start, Stop, Forget, ShutDown     wait in orders() until the owner has sent them: Sent()
//   Broke(why, inputs)                Connected() follows, maybe to another launcher
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/launcher/protocol.h"

namespace cromt {

class LauncherTalk {
 public:
  // What only the host can do or know. Called from Take.
  class Host {
   public:
    virtual ~Host() = default;
    // The launcher's program is of before an upgrade.
    virtual bool IsOfBefore() = 0;
    // It is one of before an upgrade and has nothing to do: it was told to end, and the connection will break.
    virtual void Replaces() = 0;
    // It has said what it knows. Of `lost` nobody will tell the ends any more: when this returns, nothing of them runs,
    // for they are called lost then. Adds to `up` what is known of that.
    virtual void Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) = 0;
    // Adds to `event` what the launcher does not know: how it ended in words, its image, its slot. `attempt` is null
    // where the queue does not know it.
    virtual void Complete(const launcher::Ended& ended, const QueuedAttempt* attempt,
                          queue_event::LauncherEnded& event) = 0;
    // The host's log has been written up to there.
    virtual void LogGrew(launcher::LogPosition end) = 0;
    virtual void Warn(const std::string& text) = 0;
  };

  // `host` outlives this.
  explicit LauncherTalk(Host& host) : host_(host) {}

  void Connected();
  void Broke(const std::string& why, std::vector<AgentInput>& inputs);
  // In the order in which they have come; `queue` is as it was before `inputs`.
  void Take(std::span<const launcher::FromLauncher> messages, const AgentQueue& queue, std::vector<AgentInput>& inputs);

  void Start(launcher::Start start) { orders_.emplace_back(std::move(start)); }
  void Stop(Ticket ticket) { orders_.emplace_back(launcher::Stop{ticket}); }
  void Forget(Ticket ticket) { orders_.emplace_back(launcher::Forget{ticket}); }
  void ShutDown() { orders_.emplace_back(launcher::Shutdown{}); }

  // What may be sent now.
  std::span<const launcher::ToLauncher> orders() const;
  // They were, or the connection is broken, which the next Take or Broke shows.
  void Sent();

  // It has said what it knows, and serves.
  bool ready() const { return ready_; }
  // Of the launcher (Hello::level).
  uint32_t level() const { return level_; }
  // How far the host's log has been written, as the launcher has said.
  launcher::LogPosition log_end() const { return log_end_; }

 private:
  void Ready(const AgentQueue& queue, std::vector<AgentInput>& inputs);
  AgentInput EndedInput(const launcher::Ended& ended, const AgentQueue& queue);

  Host& host_;
  std::vector<launcher::ToLauncher> orders_;
  queue_event::LauncherUp up_;          // being received
  std::vector<launcher::Known> known_;  // likewise
  bool ready_ = false;
  bool replaces_ = false;  // it is to be told to end, and nothing else
  uint32_t level_ = 1;
  launcher::LogPosition log_end_ = 0;
};

}  // namespace cromt
