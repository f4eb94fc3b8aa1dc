#include "agent/step/check/marked_text.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/name.h"

namespace cromt::step {
namespace {

enum class Kind : uint8_t { kStart, kWord, kSpace, kNewline, kOther, kEnd };

Kind KindOfAscii(char c) {
  if (c >= '\n' && c <= '\r') return Kind::kNewline;
  if (c == ' ' || c == '\t') return Kind::kSpace;
  const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  return word ? Kind::kWord : Kind::kOther;
}

// What is put over a letter belongs to it: `before` is the kind of the character before.
Kind KindOf(std::string_view character, Kind before) {
  if (character.size() == 1) return KindOfAscii(character[0]);
  static const RE2 word("[\\pL\\p{Nd}]", RE2::Quiet), over("\\pM", RE2::Quiet), space("[\\p{Zs}]", RE2::Quiet),
      newline("[\\x{85}\\x{2028}\\x{2029}]", RE2::Quiet);
  const re2::StringPiece piece(character.data(), character.size());
  if (RE2::FullMatch(piece, word)) return Kind::kWord;
  if (RE2::FullMatch(piece, over)) return before == Kind::kStart ? Kind::kOther : before;
  if (RE2::FullMatch(piece, space)) return Kind::kSpace;
  return RE2::FullMatch(piece, newline) ? Kind::kNewline : Kind::kOther;
}

bool IsSpace(Kind kind) {
  return kind == Kind::kSpace || kind == Kind::kNewline;
}

bool Holds(Assertion assertion, Kind before, Kind after) {
  const bool word_before = before == Kind::kWord, word_after = after == Kind::kWord;
  switch (assertion) {
    case Assertion::kTextStart: return before == Kind::kStart;
    case Assertion::kTextEnd: return after == Kind::kEnd;
    case Assertion::kLineStart: return before == Kind::kStart || (before == Kind::kNewline && after != Kind::kEnd);
    case Assertion::kLineEnd: return after == Kind::kNewline || (after == Kind::kEnd && before != Kind::kNewline);
    case Assertion::kWordStart: return !word_before && word_after;
    case Assertion::kWordEnd: return word_before && !word_after;
    case Assertion::kWordBoundary: return word_before != word_after;
    case Assertion::kNotWordBoundary: return word_before == word_after;
    case Assertion::kWithinWord: return word_before && word_after;
    case Assertion::kNotWithinWord: return !word_before || !word_after;
    case Assertion::kNotBeforeSpace: return !IsSpace(after);
  }
  return false;
}

// All marks are of three bytes: U+FDD0 is EF B7 90.
void AppendMark(Assertion assertion, std::string& out) {
  out += "\xEF\xB7";
  out += static_cast<char>(0x90 + static_cast<int>(assertion));
}

}  // namespace

bool HoldsLineEnd(std::string_view text) {
  const bool ascii = std::any_of(text.begin(), text.end(), [](char c) { return c >= '\n' && c <= '\r'; });
  return ascii || text.find("\xC2\x85") != text.npos || text.find("\xE2\x80\xA8") != text.npos ||
         text.find("\xE2\x80\xA9") != text.npos;
}

MarkedText::MarkedText(std::string_view text, uint32_t assertions, int rounds) {
  Kind before = Kind::kStart;
  for (size_t at = 0;;) {
    const size_t size = at < text.size() ? std::max<size_t>(Utf8SequenceLength(text.substr(at)), 1) : 0;
    const Kind after = size == 0 ? Kind::kEnd : KindOf(text.substr(at, size), before);
    starts_.resize(at + 1, static_cast<uint32_t>(marked_.size()));
    for (int round = 0; round < rounds; ++round)
      for (int a = 0; a < kAssertions; ++a)
        if ((assertions >> a & 1) != 0 && Holds(static_cast<Assertion>(a), before, after))
          AppendMark(static_cast<Assertion>(a), marked_);
    originals_.resize(marked_.size() + 1, static_cast<uint32_t>(at));
    if (size == 0) break;
    marked_ += text.substr(at, size);
    for (size_t i = 1; i < size; ++i) originals_.push_back(static_cast<uint32_t>(at + i));
    at += size;
    before = after;
  }
}

}  // namespace cromt::step
