#include "agent/launcher/agent_link.h"

#include <fmt/format.h>

#include <utility>

#include "agent/launcher/say.h"

namespace cromt::launcher {

AgentLink::AgentLink(Endpoint endpoint, Poller& poller, Markers markers)
    : endpoint_(std::move(endpoint)), poller_(poller), markers_(markers) {
  poller_.Add(endpoint_.fd(), EPOLLIN, markers_.listener);
}

void AgentLink::OnListener() {
  Result<std::optional<UniqueFd>> caller = endpoint_.Accept();
  if (!caller) {
    Say(caller.error().message + "; trying again soon");
    poller_.Remove(endpoint_.fd());
    listener_paused_ = true;
    return;
  }
  if (!*caller) return;
  DropNewcomer();
  newcomer_.emplace(std::move(**caller));
  poller_.Add(newcomer_->fd(), EPOLLIN, markers_.newcomer);
}

void AgentLink::Retry() {
  if (!listener_paused_) return;
  listener_paused_ = false;
  poller_.Add(endpoint_.fd(), EPOLLIN, markers_.listener);
}

void AgentLink::OnNewcomer() {
  if (!newcomer_) return;
  if (!newcomer_->Fill()) return DropNewcomer();
  std::string_view rest = newcomer_->received();
  Result<std::optional<ToLauncher>> first = DecodeToLauncher(rest);
  if (first && !*first) return;
  const Hello* hello = first ? std::get_if<Hello>(&**first) : nullptr;
  if (hello && hello->version == kProtocolVersion) return Promote();
  if (hello) {
    Say(fmt::format("an agent speaks launcher protocol version {}, this is {}", hello->version, kProtocolVersion));
    Encode(FromLauncher(Hello{}), newcomer_->out());
    (void)newcomer_->Flush();
  } else {
    Say("a caller did not begin with Hello");
  }
  DropNewcomer();
}

// Its Hello stays in the buffer, for Next.
void AgentLink::Promote() {
  Disconnect();
  poller_.Remove(newcomer_->fd());
  agent_ = std::move(newcomer_);
  newcomer_.reset();
  interest_ = EPOLLIN;
  poller_.Add(agent_->fd(), interest_, markers_.agent);
  backlog_ = true;
}

void AgentLink::DropNewcomer() {
  if (!newcomer_) return;
  poller_.Remove(newcomer_->fd());
  newcomer_.reset();
}

void AgentLink::Disconnect() {
  if (!agent_) return;
  poller_.Remove(agent_->fd());
  agent_.reset();
  greeted_ = false;
  backlog_ = false;
}

void AgentLink::Close() {
  if (!std::exchange(listener_paused_, false) && endpoint_.fd() >= 0) poller_.Remove(endpoint_.fd());
  endpoint_.StopListening();
  DropNewcomer();
  Disconnect();
}

void AgentLink::OnAgent(uint32_t events) {
  if (!agent_) return;
  bool reading = interest_ & EPOLLIN;
  // A broken connection is also told while nothing is read from it.
  if (!reading && (events & (EPOLLHUP | EPOLLERR))) return Disconnect();
  // What was read before is served first: so the buffer holds little more than one message.
  if (!reading || backlog_ || !(events & ~EPOLLOUT)) return;
  if (!agent_->Fill()) return Disconnect();
  backlog_ = true;
}

std::optional<ToLauncher> AgentLink::Next() {
  backlog_ = false;
  if (!agent_ || agent_->unsent_bytes() > kMaxUnsentBytes) return std::nullopt;
  std::string_view rest = agent_->received();
  size_t before = rest.size();
  Result<std::optional<ToLauncher>> message = DecodeToLauncher(rest);
  if (!message) {
    Say(message.error().message + "; closing the connection");
    Disconnect();
    return std::nullopt;
  }
  agent_->Consume(before - rest.size());
  backlog_ = message->has_value();
  return std::move(*message);
}

void AgentLink::Send(const FromLauncher& message) {
  if (!agent_) return;
  greeted_ |= std::holds_alternative<Hello>(message);
  if (greeted_) Encode(message, agent_->out());
}

void AgentLink::Flush() {
  if (!agent_) return;
  bool was_full = agent_->unsent_bytes() > kMaxUnsentBytes;
  if (agent_->wants_write() && !agent_->Flush()) return Disconnect();
  bool full = agent_->unsent_bytes() > kMaxUnsentBytes;
  if (was_full && !full) backlog_ = true;
  UpdateInterest();
}

void AgentLink::UpdateInterest() {
  uint32_t wanted = agent_->wants_write() ? uint32_t{EPOLLOUT} : 0;
  if (agent_->unsent_bytes() <= kMaxUnsentBytes) wanted |= EPOLLIN;
  if (wanted == interest_) return;
  interest_ = wanted;
  poller_.Modify(agent_->fd(), interest_, markers_.agent);
}

}  // namespace cromt::launcher
