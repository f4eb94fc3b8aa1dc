// The launcher's connection to its agent. One is the agent; a newcomer becomes it with its Hello, and the older
// one is hung up on. Launcher thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/launcher/endpoint.h"
#include "agent/launcher/message_socket.h"
#include "agent/launcher/poller.h"
#include "agent/launcher/protocol.h"

namespace cromt::launcher {

// While more than this waits to be read by the agent, nothing more is read from it.
inline constexpr size_t kMaxUnsentBytes = 1 << 20;

class AgentLink {
 public:
  // Watches through `poller`, which outlives this; the three markers tell its events apart.
  struct Markers {
    void* listener;
    void* newcomer;
    void* agent;
  };
  AgentLink(Endpoint endpoint, Poller& poller, Markers markers);

  // Call these with the events of the poller.
  void OnListener();
  void OnNewcomer();
  void OnAgent(uint32_t events);
  // Goes on listening when that had to stop for want of descriptors.
  void Retry();
  bool wants_retry() const { return listener_paused_; }

  // The next message of the agent, a Hello first; nullopt when there is no whole one.
  std::optional<ToLauncher> Next();
  // Next may have another one without a new event.
  bool has_backlog() const { return backlog_; }

  // There is an agent, and its Hello was answered.
  bool connected() const { return agent_ && greeted_; }
  size_t unsent_bytes() const { return agent_ ? agent_->unsent_bytes() : 0; }
  // Buffers. Dropped when there is no agent, or our Hello to it was not sent yet: what came before that is told by
  // what follows it.
  void Send(const FromLauncher& message);
  // Writes what was sent. Once a loop round.
  void Flush();
  void Disconnect();
  // No agent is served any more.
  void Close();

 private:
  void Promote();
  void DropNewcomer();
  void UpdateInterest();

  Endpoint endpoint_;
  Poller& poller_;
  Markers markers_;
  std::optional<MessageSocket> agent_;
  std::optional<MessageSocket> newcomer_;
  uint32_t interest_ = 0;  // what agent_ is watched for
  bool greeted_ = false;
  bool listener_paused_ = false;
  bool backlog_ = false;
};

}  // namespace cromt::launcher
