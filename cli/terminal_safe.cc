#include "cli/terminal_safe.h"

#include <algorithm>

#include "base/name.h"

namespace cromt::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kReset = "\x1B[0m";
constexpr size_t kMaxColourBytes = 64;    // of one sequence
constexpr size_t kMaxColoursBytes = 256;  // in force; beyond, the older are forgotten

bool IsColourParameter(char c) {
  return (c >= '0' && c <= '9') || c == ';' || c == ':';
}

// Bytes of the colour sequence at the front of `text`, 0 if there is none. `partial`: the text ends within one.
size_t ColourBytes(std::string_view text, bool& partial) {
  constexpr std::string_view kIntroducer = "\x1B[";
  partial = !text.empty() && kIntroducer.starts_with(text);
  if (!text.starts_with(kIntroducer)) return 0;
  size_t i = kIntroducer.size();
  while (i < text.size() && i < kMaxColourBytes && IsColourParameter(text[i])) ++i;
  partial = i == text.size() && i < kMaxColourBytes;
  return i < text.size() && text[i] == 'm' ? i + 1 : 0;
}

bool IsReset(std::string_view colour) {
  return colour == kReset || colour == "\x1B[m";
}

void Remember(std::string_view colour, std::string& colours) {
  if (IsReset(colour) || colours.size() + colour.size() > kMaxColoursBytes) colours.clear();
  if (!IsReset(colour)) colours += colour;
}

// Appends one character that is no colour; returns its bytes.
size_t AppendCharacter(std::string_view text, std::string& out) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first == '\t') {
    out += '\t';
    return 1;
  }
  if (first < 0x20 || first == 0x7F) {
    out += '^';
    out += static_cast<char>(first ^ 0x40);
    return 1;
  }
  const size_t length = Utf8SequenceLength(text);
  const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
  out += length == 0 || c1 ? kReplacement : text.substr(0, length);
  return length == 0 ? 1 : length;
}

}  // namespace

void AppendTerminalSafe(std::string_view text, std::string& colours, std::string& out) {
  out += colours;
  bool coloured = !colours.empty();
  while (!text.empty()) {
    bool partial = false;
    size_t size = ColourBytes(text, partial);
    if (size > 0) {
      out += text.substr(0, size);
      Remember(text.substr(0, size), colours);
      coloured = !IsReset(text.substr(0, size));
    } else {
      size = AppendCharacter(text, out);
    }
    text.remove_prefix(size);
  }
  if (coloured) out += kReset;
}

size_t WholeSequences(std::string_view text) {
  const size_t tail = text.size() - std::min(text.size(), kMaxColourBytes);
  const size_t escape = text.rfind('\x1B');
  bool partial = false;
  if (escape != std::string_view::npos && escape >= tail) ColourBytes(text.substr(escape), partial);
  if (partial) return escape;
  // A character is cut when its first byte asks for more bytes than there are.
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    const size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if ((byte & 0xC0) != 0x80) return wanted > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace cromt::cli
