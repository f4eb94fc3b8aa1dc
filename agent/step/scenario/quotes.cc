// Strings: '…', "…", q{…}, qq{…}, Q{…}, heredocs, and what is put into them.
#include <fmt/format.h>

#include <algorithm>

#include "agent/step/scenario/characters.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// Would Raku put a value in place of what begins with this sigil inside of "…"? '$' always; the others only where a
// name and a bracket follow, so that mail@example.com and 100% stay text.
bool Interpolates(std::string_view text) {
  if (text[0] == '$') return true;
  size_t i = text.size() > 1 && IsTwigil(text[1]) ? 2 : 1;
  size_t name = IdentifierBytes(text.substr(i));
  while (name != 0) {
    i += name;
    if (i < text.size() && IsOpening(text[i])) return true;
    name = i < text.size() && text[i] == '.' ? IdentifierBytes(text.substr(i + 1)) : 0;
    if (name != 0) ++i;
  }
  return false;
}

// ".name.name(": a method call behind a variable in a string. Without a bracket it is text.
bool BeginsMethodCall(std::string_view text) {
  if (text.starts_with("->") && IdentifierBytes(text.substr(2)) > 0) return true;
  while (text.starts_with('.')) {
    if (text.size() > 2 && std::string_view("?^+*=!&").find(text[1]) != std::string_view::npos) text.remove_prefix(1);
    const size_t name = IdentifierBytes(text.substr(1));
    if (name == 0) return text.size() > 1 && IsOpening(text[1]);
    text.remove_prefix(1 + name);
    if (!text.empty() && IsOpening(text[0])) return true;
  }
  return text.starts_with('(');
}

}  // namespace

// q, qq and Q: with brackets, or as heredocs.
Result<Expression> RecursiveParser::QuoteWord() {
  const Position at = cursor_.at();
  const std::string_view word = cursor_.PeekWord();
  const Language language = word == "q" ? Language::kSingle : word == "qq" ? Language::kDouble : Language::kRaw;
  const char opening = cursor_.Peek(word.size());
  if (cursor_.StartsWith(fmt::format("{}:to", word)) && !IsAlpha(cursor_.Peek(word.size() + 3))) {
    cursor_.Advance(word.size() + 3);
    return Heredoc(at, language);
  }
  if (opening == '\0' || std::string_view("{[</|!").find(opening) == std::string_view::npos) return Unexpected();
  if (cursor_.Peek(word.size() + 1) == opening) return OutsideAt(at, fmt::format("{} with doubled brackets", word));
  cursor_.Advance(word.size() + 1);
  return Quoted(at, {.language = language, .opening = opening, .closing = ClosingOf(opening)});
}

Result<Expression> RecursiveParser::Heredoc(Position at, Language language) {
  CROMT_ASSIGN(std::string terminator, HeredocTerminator());
  CROMT_ASSIGN(Cursor::Heredoc heredoc, cursor_.TakeHeredoc(terminator));
  const Cursor after = cursor_;
  cursor_ = cursor_.Within(heredoc);
  CROMT_ASSIGN(Expression text, Quoted(at, {.language = language, .is_heredoc = true, .indent = heredoc.indent}));
  cursor_ = after;
  return text;
}

// /END/
Result<std::string> RecursiveParser::HeredocTerminator() {
  while (cursor_.Peek() == ' ') cursor_.Advance(1);
  const Position at = cursor_.at();
  const char opening = cursor_.Peek();
  if (opening == '\0' || std::string_view("/\"'|{[<").find(opening) == std::string_view::npos) return Unexpected();
  cursor_.Advance(1);
  const size_t end = cursor_.rest().find(ClosingOf(opening));
  const std::string_view terminator = cursor_.rest().substr(0, end);
  if (end == std::string_view::npos || end == 0 || terminator.find_first_of(" \t\r\n\\") != std::string_view::npos)
    return OutsideAt(at, "such an end of a heredoc");
  cursor_.Advance(end + 1);
  return std::string(terminator);
}

// Behind the opening quote, up to and with the closing one.
Result<Expression> RecursiveParser::Quoted(Position at, Quotes quotes) {
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  Expressions parts;
  std::string text;
  const auto add_text = [&] {
    if (!text.empty()) parts.push_back({at, StringLiteral{std::exchange(text, {})}});
  };
  for (size_t nested = 0;;) {
    if (quotes.is_heredoc) CROMT_TRY(SkipIndent(quotes));
    if (cursor_.AtEnd() && quotes.is_heredoc) break;
    if (cursor_.AtEnd()) return ErrorAt(at, fmt::format("a string has no closing {}", quotes.closing));
    const char c = cursor_.Peek();
    if (c == '\\' && quotes.language != Language::kRaw) {
      CROMT_TRY(Escape(quotes, text));
      continue;
    }
    if (quotes.language == Language::kDouble) {
      CROMT_ASSIGN(std::optional<Expression> part, Interpolated());
      if (part) {
        add_text();
        parts.push_back(std::move(*part));
        continue;
      }
    }
    if (!quotes.is_heredoc) {
      if (c == quotes.closing && nested-- == 0) break;
      if (c == quotes.opening) ++nested;
    }
    CROMT_TRY(TakeByte(text));
  }
  if (!quotes.is_heredoc) cursor_.Advance(1);
  if (parts.empty()) return Expression{at, StringLiteral{std::move(text)}};
  add_text();
  return Expression{at, Interpolation{std::move(parts)}};
}

// As much of a line's indentation as the end of the heredoc has.
Status RecursiveParser::SkipIndent(const Quotes& quotes) {
  if (cursor_.at().column != 1) return {};
  for (size_t i = 0; i < quotes.indent; ++i) {
    if (cursor_.Peek() == '\t') return OutsideAt(cursor_.at(), "a heredoc that is indented with tabs");
    if (cursor_.Peek() != ' ') break;
    cursor_.Advance(1);
  }
  return {};
}

Status RecursiveParser::TakeByte(std::string& out) {
  if (cursor_.BodyFollows()) return OutsideAt(cursor_.at(), "text over several lines beside a heredoc");
  out += cursor_.Peek();
  cursor_.Advance(1);
  return {};
}

// At a backslash.
Status RecursiveParser::Escape(const Quotes& quotes, std::string& out) {
  const Position at = cursor_.at();
  const char c = cursor_.Peek(1);
  if (quotes.language == Language::kSingle) {
    if (c == 'q') return OutsideAt(at, "the escape '\\q'");
    const bool is_escape = c == '\\' || (!quotes.is_heredoc && (c == quotes.opening || c == quotes.closing));
    if (is_escape) cursor_.Advance(1);
    return TakeByte(out);
  }
  constexpr std::pair<char, char> kNamed[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'e', '\x1B'}};
  const auto* named = std::find_if(std::begin(kNamed), std::end(kNamed), [c](auto pair) { return pair.first == c; });
  const bool is_plain = c == ' ' || (c > ' ' && c < '\x7F' && !IsAlpha(c) && !IsDigit(c));  // stands for itself
  if (named == std::end(kNamed) && !is_plain) {
    const std::string_view rest = cursor_.rest();
    return OutsideAt(at, fmt::format("the escape {}", Quote(rest.substr(0, 1 + Utf8SequenceLength(rest.substr(1))))));
  }
  out += named != std::end(kNamed) ? named->second : c;
  cursor_.Advance(2);
  return {};
}

// The value that stands here inside of "…", nullopt for text.
Result<std::optional<Expression>> RecursiveParser::Interpolated() {
  if (cursor_.Peek() == '{') {
    CROMT_ASSIGN(Expression block, StringBlock());
    return block;
  }
  if (!IsSigil(cursor_.Peek()) || !Interpolates(cursor_.rest())) return std::nullopt;
  CROMT_ASSIGN(Expression variable, InterpolatedVariable());
  if (BeginsMethodCall(cursor_.rest())) return OutsideAt(cursor_.at(), "a method call inside a string");
  return variable;
}

Result<Expression> RecursiveParser::InterpolatedVariable() {
  const Position at = cursor_.at();
  const char sigil = cursor_.Peek();
  if (cursor_.StartsWith("%*ENV") || cursor_.StartsWith("$*CWD")) {
    CROMT_ASSIGN(Expression value, Term(Use::kValue));
    return value;
  }
  if (sigil == '&' || IdentifierBytes(cursor_.rest().substr(1)) == 0)
    return OutsideAt(at, fmt::format("a variable inside a string ({0}…; write \\{0} for a plain {0})", sigil));
  CROMT_ASSIGN(Expression variable, AnyVariable());
  CROMT_ASSIGN(Expression value, Subscripts(std::move(variable)));
  if (sigil != '$' && value.As<Variable>()) return OutsideAt(at, "a method call inside a string");
  return value;
}

// { value }
Result<Expression> RecursiveParser::StringBlock() {
  const Position at = cursor_.at();
  cursor_.Advance(1);
  CROMT_TRY(cursor_.SkipBlanks());
  if (cursor_.Peek() == '}') return OutsideAt(at, "an empty block inside a string (write \\{ for a plain brace)");
  CROMT_ASSIGN(Expression value, cursor_.StartsWith("$*CWD") ? Term(Use::kValue) : Loose(Use::kValue));
  CROMT_TRY(Expect("}"));
  return value;
}

}  // namespace cromt::step
