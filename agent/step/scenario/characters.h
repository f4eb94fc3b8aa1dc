// Kinds of characters in Raku's text. Names beyond ASCII are outside what we read.
#pragma once

#include <string_view>

namespace cromt::step {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
constexpr bool IsSigil(char c) {
  return c == '$' || c == '@' || c == '%' || c == '&';
}
constexpr bool IsTwigil(char c) {
  return c != '\0' && std::string_view("*.!?^:=~").find(c) != std::string_view::npos;
}
constexpr bool IsOpening(char c) {
  return c == '(' || c == '[' || c == '{' || c == '<';
}
// What closes a bracket; any other delimiter closes itself.
constexpr char ClosingOf(char c) {
  return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : c == '<' ? '>' : c;
}

// Bytes of the identifier at the front of `text`, 0 if there is none. '-' and ''' join letters, as in Raku.
constexpr size_t IdentifierBytes(std::string_view text) {
  if (text.empty() || !IsAlpha(text[0])) return 0;
  size_t i = 1;
  for (; i < text.size(); ++i) {
    const bool joined = (text[i] == '-' || text[i] == '\'') && i + 1 < text.size() && IsAlpha(text[i + 1]);
    if (!IsAlpha(text[i]) && !IsDigit(text[i]) && !joined) break;
  }
  return i;
}

}  // namespace cromt::step
