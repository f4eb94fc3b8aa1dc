// The text of a Raku regex, read from left to right, and the errors that name a place in it.
// REQUIRES: the text is UTF-8 and outlives the reader. Not thread-safe.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/name.h"
#include "base/result.h"

namespace cromt::step {

class RegexReader {
 public:
  explicit RegexReader(std::string_view text) : text_(text) {}

  std::string_view Rest() const { return text_.substr(at_); }
  bool AtEnd() const { return at_ == text_.size(); }
  size_t offset() const { return at_; }
  int column() const { return column_; }  // from 1, in characters
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  // The character here, whole; empty at the end.
  std::string_view Character() const { return Rest().substr(0, Utf8SequenceLength(Rest())); }

  // REQUIRES: `bytes` end between two characters.
  void Advance(size_t bytes) {
    for (char c : Rest().substr(0, bytes)) column_ += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    at_ += bytes;
  }
  bool Take(std::string_view token) {
    if (!Rest().starts_with(token)) return false;
    Advance(token.size());
    return true;
  }
  std::string_view TakeCharacter() {
    std::string_view character = Character();
    Advance(character.size());
    return character;
  }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\t') Advance(1);
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  int column_ = 1;
};

inline tl::unexpected<Error> RegexError(int column, std::string_view what) {
  return Fail(ErrorCode::kInvalid, fmt::format("regex, column {}: {}", column, what));
}

// For what Raku has and this reader hasn't.
inline tl::unexpected<Error> RegexOutside(int column, std::string_view construct, std::string_view instead = "") {
  return RegexError(column, fmt::format("{} is outside what cromt reads of Raku regexes{}{}", construct,
                                        instead.empty() ? "" : "; ", instead));
}

}  // namespace cromt::step
