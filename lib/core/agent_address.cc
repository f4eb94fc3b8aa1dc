#include "core/agent_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/name.h"

namespace cromt {
namespace {

// What stands between the brackets of an IPv6 address; whether it really is one, the resolver says.
bool IsAddress6(std::string_view text) {
  return text.size() >= 2 && text.size() <= 45 && std::count(text.begin(), text.end(), ':') >= 2 &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool IsHost(std::string_view text) {
  return IsName(text) && text.back() != '.' && text.back() != '-' && text.find("..") == text.npos;
}

bool ReadPort(std::string_view text, uint16_t& port) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

// Reads "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT"; says what is wrong, or nothing.
std::string_view Read(std::string_view text, AgentAddress& address, uint16_t port) {
  std::string_view host, rest;
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == text.npos) return "has a bad host";
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!IsAddress6(host)) return "has a bad host";
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
    if (!IsHost(host)) return "has a bad host";
  }
  address.host = host;
  address.port = port;
  if (rest.empty()) return {};
  if (rest[0] != ':' || !ReadPort(rest.substr(1), address.port)) return "has a bad port";
  return {};
}

std::string_view ReadUrl(std::string_view text, AgentAddress& address) {
  if (text.starts_with("http://"))
    text.remove_prefix(7);
  else if (text.starts_with("https://"))
    text.remove_prefix(8);
  else
    return "is not the address of an agent";
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.find('@') != text.npos) return "has a user part";
  if (text.find_first_of("/?#") != text.npos) return "has a path";
  return Read(text, address, kDefaultAgentPort);
}

}  // namespace

std::string ToString(const AgentAddress& address) {
  bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

std::string HostId(const AgentAddress& address) {
  std::string id = address.host;
  std::replace(id.begin(), id.end(), ':', '_');
  return id;
}

Result<AgentAddress> ParseAgentAddress(std::string_view text, uint16_t port) {
  AgentAddress address;
  std::string_view problem = Read(text, address, port);
  if (problem.empty()) return address;
  return Fail(ErrorCode::kInvalid, fmt::format("address {} {}; write HOST or HOST:PORT", Quote(text), problem));
}

Result<AgentAddress> ParseAgentUrl(std::string_view text) {
  AgentAddress address;
  std::string_view problem = ReadUrl(text, address);
  if (problem.empty()) return address;
  return Fail(ErrorCode::kInvalid,
              fmt::format("url {} {}; write http://HOST:PORT or https://HOST:PORT", Quote(text), problem));
}

}  // namespace cromt
