#include "cli/screen_text.h"

#include <algorithm>
#include <cstdint>

#include "base/name.h"
#include "cli/clean_text.h"

namespace cromt::cli {
namespace {

// The code point of a well-formed sequence.
uint32_t CodePoint(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  uint32_t code = first & (0xFFu >> (sequence.size() + 1));
  for (char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return code;
}

size_t ColumnsOf(uint32_t code) {
  if (code < 0x1100) return 1;
  const bool narrow = (code >= 0x2010 && code < 0x2300) || (code >= 0x2400 && code < 0x25FD);  // punctuation, lines
  return narrow ? 1 : 2;
}

// The first character of `text`, which is not empty.
std::string_view FirstOf(std::string_view text) {
  return text.substr(0, std::max<size_t>(Utf8SequenceLength(text), 1));
}

// Bytes of the escape sequence at the front of `text`, which begins with ESC: up to its final byte, or all of it.
size_t EscapeBytes(std::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] == ']' || text[1] == 'P' || text[1] == '_' || text[1] == '^') {  // until BEL or ESC backslash
    const size_t end = text.find_first_of("\a\x1B", 2);
    if (end == std::string_view::npos) return text.size();
    return text[end] == '\a' ? end + 1 : std::min(end + 2, text.size());
  }
  size_t i = 1;
  if (text[1] == '[')
    for (i = 2; i < text.size() && text[i] >= 0x20 && text[i] < 0x40;) ++i;
  else
    while (i < text.size() && text[i] >= 0x20 && text[i] < 0x30) ++i;
  return std::min(i + 1, text.size());
}

}  // namespace

size_t Columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const std::string_view first = FirstOf(text);
    columns += ColumnsOf(CodePoint(first));
    text.remove_prefix(first.size());
  }
  return columns;
}

std::string Fit(std::string_view text, size_t columns, std::string_view more) {
  if (Columns(text) <= columns) return std::string(text);
  if (Columns(more) > columns) return "";
  std::string fitted;
  for (size_t left = columns - Columns(more);;) {
    const std::string_view first = FirstOf(text);
    const size_t wanted = ColumnsOf(CodePoint(first));
    if (wanted > left) return fitted.append(more);
    left -= wanted;
    fitted += first;
    text.remove_prefix(first.size());
  }
}

std::string Pad(std::string_view text, size_t columns, std::string_view more) {
  std::string padded = Fit(text, columns, more);
  padded.append(columns - std::min(columns, Columns(padded)), ' ');
  return padded;
}

std::string Plain(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const size_t escape = std::min(text.find('\x1B'), text.size());
    kept += text.substr(0, escape);
    text.remove_prefix(escape);
    if (!text.empty()) text.remove_prefix(EscapeBytes(text));
  }
  return Clean(kept);
}

std::string Ascii(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const std::string_view first = FirstOf(text);
    ascii += static_cast<unsigned char>(first[0]) < 0x80 ? first[0] : '?';
    text.remove_prefix(first.size());
  }
  return ascii;
}

}  // namespace cromt::cli
