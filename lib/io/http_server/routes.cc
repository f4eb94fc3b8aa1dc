#include "io/http_server/routes.h"

#include <algorithm>
#include <optional>

namespace cromt::http {
namespace {

int Hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt for a broken escape, and for what stands for a control character.
std::optional<std::string> Decode(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (text.size() - at < 3 || Hex(text[at + 1]) < 0 || Hex(text[at + 2]) < 0) return std::nullopt;
      c = static_cast<char>(Hex(text[at + 1]) * 16 + Hex(text[at + 2]));
      at += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

// Up to the next '/', which is taken too.
std::string_view NextPart(std::string_view& path) {
  const size_t end = path.find('/');
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end == path.npos ? path.size() : end + 1);
  return part;
}

bool Fits(std::string_view pattern, std::string_view path, PathParts& parts) {
  parts.clear();
  if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return false;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view wanted = NextPart(pattern);
    auto part = Decode(NextPart(path));
    if (!part) return false;
    if (!wanted.starts_with('{')) {
      if (*part != wanted) return false;
    } else {
      if (part->empty()) return false;
      parts.push_back(std::move(*part));
    }
  }
  return true;
}

}  // namespace

Routed Find(const std::vector<Route>& routes, const Request& request) {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  Routed found;
  std::string allowed;
  for (const Route& route : routes) {
    PathParts parts;
    if (!Fits(route.pattern, request.path, parts)) continue;
    if (route.method == method) {
      found.route = &route;
      found.parts = std::move(parts);
      return found;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
  }
  if (allowed.empty()) {
    found.refusal = Refusal(404, "there is nothing at this path");
  } else {
    found.refusal = Refusal(405, "this path takes " + allowed);
    found.refusal.headers.emplace_back("Allow", allowed);
  }
  return found;
}

}  // namespace cromt::http
