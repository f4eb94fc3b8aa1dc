#include "io/http_server/message.h"

#include <array>
#include <nlohmann/json.hpp>

namespace cromt::http {

const std::string* Request::Header(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [one, value] : headers) {
    if (one != name) continue;
    if (found) return nullptr;
    found = &value;
  }
  return found;
}

Response Refusal(int status, std::string_view why) {
  const nlohmann::json body = {{"error", why}};
  return {.status = status,
          .type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

std::string_view NameOf(int status) {
  static constexpr auto kNames = std::to_array<std::pair<int, std::string_view>>({
      {200, "OK"},
      {202, "Accepted"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {413, "Content Too Large"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
  });
  for (const auto& [number, name] : kNames)
    if (number == status) return name;
  return "";
}

}  // namespace cromt::http
