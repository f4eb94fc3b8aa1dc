#include "base/name.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Of one character: C0, DEL, C1, and what turns the direction of the text around it (U+202A to U+202E, U+2066 to
// U+2069), with which a line can be made to read as another.
bool IsControl(std::string_view sequence) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  return sequence.size() == 3 && byte(0) == 0xE2 &&
         ((byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE) ||
          (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9));
}

}  // namespace

size_t Utf8SequenceLength(std::string_view text) {
  if (text.empty()) return 0;
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                  : lead >= 0xE0 && lead < 0xF0 ? 3
                  : lead >= 0xF0 && lead < 0xF5 ? 4
                                                : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  if (!IsAlnum(text[0]) && text[0] != '_') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

Status CheckName(std::string_view what, std::string_view text) {
  if (IsName(text)) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} {}: use letters, digits, '_', '.', '-', not beginning with '.' or '-', at most {} bytes",
                          what, Quote(text), kMaxNameBytes));
}

bool IsVariableName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return IsAlnum(c) || c == '_'; });
}

bool IsTitle(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTitleBytes && IsShowable(text);
}

bool IsShowable(std::string_view text) {
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    if (length == 0 || IsControl(text.substr(0, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Quote(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string out = "'";
  while (!text.empty() && out.size() <= kShown) {
    size_t length = Utf8SequenceLength(text);
    if (length == 0 || IsControl(text.substr(0, length))) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      length = 1;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + (text.empty() ? "'" : "…'");
}

}  // namespace cromt
