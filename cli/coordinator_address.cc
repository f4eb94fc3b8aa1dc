#include "cli/coordinator_address.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>

#include "core/agent_address.h"

namespace cromt::cli {
namespace {

constexpr uint16_t kDefaultPort = 4001;

bool IsSocket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool NamesPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  return colon != std::string::npos && colon + 1 < text.size() &&
         std::all_of(text.begin() + static_cast<ptrdiff_t>(colon) + 1, text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<std::string> Normalized(const std::string& text) {
  if (text.find('/') != std::string::npos) return text;
  auto address = ParseAgentAddress(text);
  if (!address) return Fail("the coordinator's address", std::move(address).error());
  if (!NamesPort(text)) address->port = kDefaultPort;
  return ToString(*address);
}

}  // namespace

Result<std::string> CoordinatorAddress(const std::optional<std::string>& given, const World& world) {
  if (given) return Normalized(*given);
  if (auto named = world.variable("CROMT_COORDINATOR"); named && !named->empty()) return Normalized(*named);
  if (IsSocket(world.system_socket)) return world.system_socket;
  const std::string mine = world.variable("XDG_RUNTIME_DIR").value_or("") + "/cromt/coordinator.sock";
  if (mine.front() == '/' && IsSocket(mine)) return mine;
  return "127.0.0.1:" + std::to_string(kDefaultPort);
}

}  // namespace cromt::cli
