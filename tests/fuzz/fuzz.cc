#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/name.h"

namespace cromt::fuzz {

std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

void Require(bool holds, std::string_view property, std::string_view of) {
  if (holds) return;
  std::fprintf(stderr, "PROPERTY BROKEN: %.*s: %s\n", static_cast<int>(property.size()), property.data(),
               Quote(of).c_str());
  std::abort();
}

void RequireShowable(std::string_view message) {
  Require(!message.empty() && message.size() <= 4096, "a message has 1 to 4096 bytes", message);
  Require(IsShowable(message), "a message is UTF-8 without control characters", message);
}

void RequireRefusal(const Error& error) {
  RequireShowable(error.message);
  Require(error.code != ErrorCode::kInternal && error.code != ErrorCode::kUnavailable,
          "bad input is nobody's fault but its writer's", error.message);
}

void RequireWithin(std::string_view text, Position at) {
  if (at == Position{}) return;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (uint32_t line = 1; line < at.line; ++line) {
    size_t end = text.find('\n');
    Require(end != text.npos, "a place is within the file: its line", text);
    text.remove_prefix(end + 1);
  }
  size_t length = std::min(text.find('\n'), text.size());
  Require(at.line >= 1 && at.col >= 1 && at.col <= length + 1, "a place is within its line", text.substr(0, length));
}

}  // namespace cromt::fuzz
