// Where an agent is found, as a job file or a config file writes it. Pure text: nothing is resolved or dialled.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

inline constexpr uint16_t kDefaultAgentPort = 4000;
inline constexpr uint16_t kDefaultCoordinatorPort = 4001;

struct AgentAddress {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without brackets; as written
  uint16_t port = kDefaultAgentPort;
  friend bool operator==(const AgentAddress&, const AgentAddress&) = default;
};

// "HOST:PORT", IPv6 in brackets.
std::string ToString(const AgentAddress& address);

// The host as an id: itself, the ':' of an IPv6 address as '_'.
std::string HostId(const AgentAddress& address);

// `http(s)://HOST[:PORT]`; a lone '/' at the end is allowed, a path, user, query or bad port is kInvalid.
Result<AgentAddress> ParseAgentUrl(std::string_view text);

// `HOST[:PORT]`; without a port it is `port`.
Result<AgentAddress> ParseAgentAddress(std::string_view text, uint16_t port = kDefaultAgentPort);

}  // namespace cromt
