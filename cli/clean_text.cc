#include "cli/clean_text.h"

#include <algorithm>

#include "base/name.h"

namespace cromt::cli {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

void AppendControl(char c, std::string& out) {
  if (c == '\n' || c == '\t' || c == '\r') {
    out += ' ';
  } else {
    out += '^';
    out += c == 0x7F ? '?' : static_cast<char>(c + '@');
  }
}

}  // namespace

std::string Clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool is_c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || is_c1) {
      out += kReplacement;
    } else if (first < 0x20 || first == 0x7F) {
      AppendControl(text[0], out);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

std::string Shorten(std::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  size_t end = 0;
  for (size_t left = width - 1; end < text.size(); ++end)
    if (!IsContinuation(text[end]) && left-- == 0) break;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace cromt::cli
