#include "agent/step/check/regex_class.h"

#include <charconv>

namespace cromt::step {
namespace {

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// REQUIRES: `character` is one whole UTF-8 sequence.
char32_t Decode(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  char32_t value = first & (0xFFu >> (character.size() + 1));
  for (char c : character.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3F);
  return value;
}

std::string Encode(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
}

// \xHH or \x[HH]: the reader is behind the 'x'.
Result<std::string> ReadHexadecimal(RegexReader& reader, int column) {
  const bool bracketed = reader.Take("[");
  const std::string_view digits = reader.Rest().substr(0, reader.Rest().find_first_not_of("0123456789abcdefABCDEF"));
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  const bool is_character = value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF) && value != 0;
  if (error != std::errc() || !is_character)
    return RegexError(column, "\\x wants the hexadecimal number of a character");
  reader.Advance(digits.size());
  if (bracketed && !reader.Take("]")) return RegexError(column, "\\x[ wants one hexadecimal number and a ]");
  return Encode(value);
}

// \t, \r, \f, \e, \x…, and characters that are no letter or digit; nullopt: something else, and nothing was read but
// the backslash.
Result<std::optional<std::string>> ReadPlainEscape(RegexReader& reader, int column) {
  reader.Advance(1);
  const char c = reader.Peek();
  constexpr std::string_view kLetters = "trfe", kStandFor = "\t\r\f\x1B";
  if (const size_t i = kLetters.find(c); i != std::string_view::npos && c != '\0') {
    reader.Advance(1);
    return std::string(1, kStandFor[i]);
  }
  if (c == 'x') {
    reader.Advance(1);
    return ReadHexadecimal(reader, column).map([](std::string text) { return std::optional(std::move(text)); });
  }
  if (reader.AtEnd()) return RegexError(column, "a backslash at the end stands for nothing");
  if (c == ' ' || c == '\t')
    return RegexError(column, "a backslash before a blank means nothing in a Raku regex: write ' ' or \\s");
  if (IsWordByte(c)) return std::nullopt;
  return std::string(reader.TakeCharacter());
}

std::string_view InsteadOf(char letter) {
  switch (letter) {
    case 'A': return "write ^";
    case 'z':
    case 'Z': return "write $";
    case 'b': return "write << and >> for the start and the end of a word";
    case 'B': return "write <!|w>";
    case 'c': return "write the character itself or \\x[…]";
    default: return "";
  }
}

tl::unexpected<Error> UnknownEscape(const RegexReader& reader, int column) {
  return RegexOutside(column, fmt::format("'\\{}'", reader.Peek()), InsteadOf(reader.Peek()));
}

// ---- Classes between < and > ---------------------------------------------------------------------

class ClassReader {
 public:
  ClassReader(RegexReader& reader, bool ignore_case) : reader_(reader), ignore_case_(ignore_case) {}

  // The terms up to the closing '>', each after its '+' or '-'.
  Result<CharSet> Read() {
    const bool named = IsWordByte(reader_.Peek());
    bool first = true;
    while (!reader_.Take(">")) {
      if (reader_.AtEnd()) return RegexError(column_, "'<' has no closing '>'");
      if (!first && named)
        return RegexOutside(column_, "a class that begins with a name and goes on", "begin it with a plus: <+alpha …>");
      CROMT_TRY(AddTerm(first));
      first = false;
      reader_.SkipBlanks();
    }
    return std::move(set_);
  }

 private:
  Status AddTerm(bool first) {
    const int column = reader_.column();
    const bool subtracts = reader_.Take("-");
    const bool adds = !subtracts && reader_.Take("+");
    if (!first && !subtracts && !adds) return RegexError(column, "'+' or '-' is missing between two parts of a class");
    reader_.SkipBlanks();
    CROMT_ASSIGN(CharSet term, Term());
    if (first) {
      set_ = subtracts ? term.Complement() : std::move(term);
      return {};
    }
    auto joined = subtracts ? CharSet::Difference(set_, term) : CharSet::Union(set_, term);
    if (!joined) return Mixed(column);
    set_ = std::move(*joined);
    return {};
  }

  Result<CharSet> Term() {
    if (reader_.Take("[")) return Enumeration();
    if (reader_.Take(":")) return Property();
    const int column = reader_.column();
    reader_.Take(".");  // <.alpha>: the same, not kept by name
    const std::string name = TakeName();
    auto set = CharSet::Named(name);
    if (set) return std::move(*set);
    return RegexOutside(column, fmt::format("the class {}", Quote(name.empty() ? reader_.Character() : name)));
  }

  Result<CharSet> Property() {
    const int column = reader_.column();
    const bool negated = reader_.Take("!");
    const std::string name = TakeName();
    auto set = CharSet::Property(name);
    if (!set)
      return RegexOutside(column, fmt::format("the property {}", Quote(name)), "write a general category as :Lu");
    return negated ? set->Complement() : std::move(*set);
  }

  std::string TakeName() {
    size_t size = 0;
    while (IsWordByte(reader_.Peek(size))) ++size;
    std::string name(reader_.Rest().substr(0, size));
    reader_.Advance(size);
    return name;
  }

  // What stands between [ and ]: characters, ranges, escapes; blanks say nothing.
  Result<CharSet> Enumeration() {
    const int opening = reader_.column() - 1;
    CharSet set;
    bool empty = true;
    for (reader_.SkipBlanks(); !reader_.Take("]"); reader_.SkipBlanks()) {
      if (reader_.AtEnd()) return RegexError(opening, "'[' of a class has no closing ']'");
      CROMT_ASSIGN(CharSet item, Item(empty));
      auto joined = CharSet::Union(set, item);
      if (!joined) return Mixed(opening);
      set = std::move(*joined);
      empty = false;
    }
    return ignore_case_ ? set.FoldedAscii() : std::move(set);
  }

  Result<CharSet> Item(bool first) {
    const int column = reader_.column();
    CROMT_ASSIGN(RegexEscape from, Member(first));
    reader_.SkipBlanks();
    if (auto* set = std::get_if<CharSet>(&from)) return std::move(*set);
    const char32_t low = Decode(std::get<std::string>(from));
    char32_t high = low;
    if (reader_.Take("..")) {
      reader_.SkipBlanks();
      CROMT_ASSIGN(RegexEscape to, Member(false));
      if (std::holds_alternative<CharSet>(to)) return RegexError(column, "a range ends with a character");
      high = Decode(std::get<std::string>(to));
    }
    if (high < low) return RegexError(column, "a range goes from the lower to the higher character");
    if (ignore_case_ && high >= 0x80)
      return RegexOutside(column, "a class of letters beyond a..z under :i", "write both cases");
    return CharSet::Range(low, high);
  }

  Result<RegexEscape> Member(bool first) {
    const int column = reader_.column();
    if (reader_.AtEnd() || reader_.Peek() == ']') return RegexError(column, "a range has no end");
    if (reader_.Peek() == '\\') return ReadEscape(reader_);
    const size_t next = reader_.Rest().find_first_not_of(" \t", 1);
    const bool last = next != std::string_view::npos && reader_.Rest()[next] == ']';
    if (reader_.Peek() == '-' && !first && !last)
      return RegexError(column, "'-' inside a class: write a range as a..z, and a minus as \\-");
    return std::string(reader_.TakeCharacter());
  }

  tl::unexpected<Error> Mixed(int column) const {
    return RegexOutside(column, "a class that takes characters from one set of letters and adds another",
                        "write it as [ <…> || <…> ]");
  }

  RegexReader& reader_;
  const bool ignore_case_;
  const int column_ = reader_.column();
  CharSet set_;
};

}  // namespace

Result<RegexEscape> ReadEscape(RegexReader& reader) {
  const int column = reader.column();
  CROMT_ASSIGN(auto plain, ReadPlainEscape(reader, column));
  if (plain) return std::move(*plain);
  auto set = CharSet::Escape(reader.Peek());
  if (!set) return UnknownEscape(reader, column);
  reader.Advance(1);
  return std::move(*set);
}

Result<std::string> ReadQuotedEscape(RegexReader& reader) {
  const int column = reader.column();
  CROMT_ASSIGN(auto plain, ReadPlainEscape(reader, column));
  if (plain) return std::move(*plain);
  if (reader.Take("n")) return std::string("\n");
  return RegexOutside(column, fmt::format("'\\{}' between double quotes", reader.Peek()),
                      fmt::format("write it outside of the quotes, or '\\{}' between single quotes", reader.Peek()));
}

Result<CharSet> ReadClass(RegexReader& reader, bool ignore_case) {
  return ClassReader(reader, ignore_case).Read();
}

}  // namespace cromt::step
