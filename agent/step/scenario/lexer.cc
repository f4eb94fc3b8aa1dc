#include "agent/step/scenario/lexer.h"

#include <fmt/format.h>

#include <charconv>

#include "base/name.h"

namespace cromt::step {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool IsSigil(char c) {
  return c == '$' || c == '@' || c == '%' || c == '&';
}
bool IsTwigil(char c) {
  return std::string_view("*.!?^:=~").find(c) != std::string_view::npos && c != '\0';
}
bool IsOpening(char c) {
  return c == '(' || c == '[' || c == '{' || c == '<';
}

// Bytes of the identifier at the front of `text`, 0 if there is none. '-' and ''' join letters, as in Raku.
size_t IdentifierBytes(std::string_view text) {
  if (text.empty() || !IsAlpha(text[0])) return 0;
  size_t i = 1;
  for (; i < text.size(); ++i) {
    const bool joined = (text[i] == '-' || text[i] == '\'') && i + 1 < text.size() && IsAlpha(text[i + 1]);
    if (!IsAlpha(text[i]) && !IsDigit(text[i]) && !joined) break;
  }
  return i;
}

// Would Raku put a value in place of what begins with this sigil inside of "…"? '$' nearly always; the others
// only where a name and a bracket follow, so that mail@example.com and 100% stay text.
bool Interpolates(std::string_view text) {
  const char next = text.size() > 1 ? text[1] : ' ';
  if (text[0] == '$') return !IsBlank(next);
  size_t i = IsTwigil(next) ? 2 : 1;
  size_t name = IdentifierBytes(text.substr(i));
  while (name != 0) {
    i += name;
    if (i < text.size() && IsOpening(text[i])) return true;
    name = i < text.size() && text[i] == '.' ? IdentifierBytes(text.substr(i + 1)) : 0;
    if (name != 0) ++i;
  }
  return false;
}

}  // namespace

tl::unexpected<Error> Lexer::ErrorAt(Position at, std::string_view what) const {
  return Fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", file_, at.line, at.column, what));
}

tl::unexpected<Error> Lexer::OutsideAt(Position at, std::string_view construct) const {
  auto error = ErrorAt(at, fmt::format("{} is outside what cromt reads itself yet", construct));
  error.value().code = ErrorCode::kUnavailable;
  return error;
}

void Lexer::Advance(size_t bytes) {
  for (char c : rest_.substr(0, bytes)) {
    if (c == '\n') {
      at_ = {at_.line + 1, 1};
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // a continuation byte is no character of its own
      ++at_.column;
    }
  }
  rest_.remove_prefix(bytes);
}

std::string_view Lexer::TakeIdentifier() {
  std::string_view name = rest_.substr(0, IdentifierBytes(rest_));
  Advance(name.size());
  return name;
}

Status Lexer::SkipBlanksAndComments() {
  while (!rest_.empty()) {
    if (IsBlank(Peek())) {
      Advance(1);
    } else if (Peek() == '#' && Peek(1) == '`' && IsOpening(Peek(2))) {
      return OutsideAt(at_, "an embedded comment (#`…)");
    } else if (Peek() == '#') {
      Advance(std::min(rest_.find('\n'), rest_.size()));
    } else if (Peek() == '=' && at_.column == 1 && IsAlpha(Peek(1))) {
      return OutsideAt(at_, "a Pod block");
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::Next() {
  CROMT_TRY(SkipBlanksAndComments());
  Token token{.at = at_};
  if (rest_.empty()) return token;
  if (IsAlpha(Peek())) {
    token.kind = Token::Kind::kWord;
    token.text = TakeIdentifier();
    return token;
  }
  if (IsDigit(Peek()) || (Peek() == '-' && IsDigit(Peek(1)))) return Number(std::move(token));
  if (Peek() == '\'') return SingleQuoted(std::move(token));
  if (Peek() == '"') return DoubleQuoted(std::move(token));
  if (rest_.starts_with("%*ENV<")) return Environment(std::move(token));
  for (std::string_view symbol : {"%(", "=>", "(", ")", "[", "]", ",", ";"}) {
    if (!rest_.starts_with(symbol)) continue;
    Advance(symbol.size());
    token.kind = Token::Kind::kSymbol;
    token.text = symbol;
    return token;
  }
  if (IsSigil(Peek())) return Variable(std::move(token));
  return Other(std::move(token));
}

Result<Token> Lexer::Number(Token token) {
  size_t size = 1;
  while (IsDigit(Peek(size)) || (Peek(size) == '_' && IsDigit(Peek(size + 1)))) ++size;
  std::string digits(rest_.substr(0, size));
  std::erase(digits, '_');
  const std::string_view magnitude = std::string_view(digits).substr(digits[0] == '-' ? 1 : 0);
  const bool fraction = Peek(size) == '.' && IsDigit(Peek(size + 1));
  if (fraction || IsAlpha(Peek(size)) || (magnitude.size() > 1 && magnitude[0] == '0'))
    return OutsideAt(at_, "a number that isn't a plain decimal integer");
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), token.number);
  if (error != std::errc()) return OutsideAt(at_, "an integer of more than 64 bits");
  Advance(size);
  token.kind = Token::Kind::kInteger;
  return token;
}

Result<Token> Lexer::Environment(Token token) {
  constexpr std::string_view kOpening = "%*ENV<";
  const size_t end = rest_.find('>');
  if (end == std::string_view::npos) return ErrorAt(at_, "%*ENV< has no closing >");
  const std::string_view name = rest_.substr(kOpening.size(), end - kOpening.size());
  if (!IsVariableName(name)) return OutsideAt(at_, fmt::format("%*ENV<> with {}", Quote(name)));
  token.kind = Token::Kind::kEnvironment;
  token.text = name;
  Advance(end + 1);
  return token;
}

Result<Token> Lexer::SingleQuoted(Token token) {
  Advance(1);
  token.kind = Token::Kind::kString;
  while (!rest_.empty() && Peek() != '\'') {
    if (Peek() == '\\' && (Peek(1) == '\'' || Peek(1) == '\\')) Advance(1);
    token.text += Peek();
    Advance(1);
  }
  if (rest_.empty()) return ErrorAt(token.at, "a string has no closing '");
  Advance(1);
  return token;
}

Result<Token> Lexer::DoubleQuoted(Token token) {
  Advance(1);
  token.kind = Token::Kind::kString;
  while (!rest_.empty() && Peek() != '"') {
    if (Peek() == '{') return OutsideAt(at_, "a block inside a string ({…}; write \\{ for a plain brace)");
    if (IsSigil(Peek()) && Interpolates(rest_))
      return OutsideAt(at_, fmt::format("a variable inside a string ({0}…; write \\{0} for a plain {0})", Peek()));
    if (Peek() == '\\') {
      CROMT_TRY(Escape(token.text));
      continue;
    }
    token.text += Peek();
    Advance(1);
  }
  if (rest_.empty()) return ErrorAt(token.at, "a string has no closing \"");
  Advance(1);
  return token;
}

Status Lexer::Escape(std::string& out) {
  constexpr std::string_view kPlain = "\"\\$@%&{}'#";  // stand for themselves after a backslash
  const char c = Peek(1);
  if (kPlain.find(c) != std::string_view::npos && c != '\0') {
    out += c;
  } else if (c == 'n') {
    out += '\n';
  } else if (c == 't') {
    out += '\t';
  } else if (c == 'r') {
    out += '\r';
  } else if (c == 'e') {
    out += '\x1B';
  } else {
    return OutsideAt(at_,
                     fmt::format("the escape {}", Quote(rest_.substr(0, 1 + Utf8SequenceLength(rest_.substr(1))))));
  }
  Advance(2);
  return {};
}

// "$x", "%h", "@*ARGS": named in the message.
Result<Token> Lexer::Variable(Token token) {
  size_t size = IsTwigil(Peek(1)) ? 2 : 1;
  size += IdentifierBytes(rest_.substr(size));
  token.kind = Token::Kind::kUnread;
  token.text = size > 2 || (size == 2 && !IsTwigil(Peek(1))) ? fmt::format("a variable ({})", rest_.substr(0, size))
                                                             : Quote(rest_.substr(0, 1));
  Advance(size);
  return token;
}

Result<Token> Lexer::Other(Token token) {
  const size_t size = std::max<size_t>(Utf8SequenceLength(rest_), 1);
  token.kind = Token::Kind::kUnread;
  token.text = Quote(rest_.substr(0, size));
  Advance(size);
  return token;
}

}  // namespace cromt::step
