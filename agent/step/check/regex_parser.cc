#include "agent/step/check/regex_parser.h"

#include <re2/re2.h>

#include <charconv>
#include <optional>

#include "agent/step/check/regex_class.h"
#include "agent/step/check/regex_reader.h"
#include "agent/step/check/regex_symbols.h"

namespace cromt::step {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Stands for itself without quotes: a letter, a digit, _, or what is put over one.
bool IsBare(std::string_view character) {
  static const RE2 bare("[\\pL\\p{Nd}\\pM_]", RE2::Quiet);
  return !character.empty() && RE2::FullMatch(re2::StringPiece(character.data(), character.size()), bare);
}

// Letters that Raku compares with more than one other under :i ('ß' with "ss"), and RE2 doesn't.
bool FoldsToSeveral(std::string_view text) {
  static const RE2 several(
      "[\\x{df}\\x{130}\\x{149}\\x{1f0}\\x{390}\\x{3b0}\\x{587}\\x{1e96}-\\x{1e9e}\\x{1f50}-\\x{1ffc}\\x{fb00}-\\x{"
      "fb17}]",
      RE2::Quiet);
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), several);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), reader_(text) {}

  Result<ParsedRegex> Parse() {
    CROMT_ASSIGN(RegexNode root, Alternation());
    if (!reader_.AtEnd()) {
      const std::string closing = Quote(reader_.Character());
      return RegexError(reader_.column(), fmt::format("{} closes nothing; quote it to match it: {}", closing, closing));
    }
    std::string_view text = text_.substr(0, comment_.value_or(text_.size()));
    text = text.substr(0, text.find_last_not_of(" \t") + 1);
    return ParsedRegex{.root = std::move(root), .text = text};
  }

 private:
  // ---- From the loosest to the tightest --------------------------------------------------------

  Result<RegexNode> Alternation() {
    const bool ignored_case = ignore_case_;
    CROMT_ASSIGN(RegexNode node, Branches("||", &Parser::LongestAlternation));
    ignore_case_ = ignored_case;  // :i ends with the bracket it stands in
    return node;
  }
  Result<RegexNode> LongestAlternation() { return Branches("|", &Parser::Sequence); }

  bool TakeBar(std::string_view bar) {
    SkipBlanksAndComment();
    return !(bar == "|" && reader_.Peek(1) == '|') && reader_.Take(bar);
  }

  Result<RegexNode> Branches(std::string_view bar, Result<RegexNode> (Parser::*branch)()) {
    TakeBar(bar);
    SkipBlanksAndComment();
    RegexAlternation alternation{.branches = {}, .longest_first = bar == "|", .column = reader_.column()};
    do {
      CROMT_ASSIGN(RegexNode node, (this->*branch)());
      alternation.branches.push_back(std::move(node));
    } while (TakeBar(bar));
    if (alternation.branches.size() == 1) return std::move(alternation.branches[0]);
    return RegexNode{std::move(alternation)};
  }

  bool AtEndOfSequence() {
    SkipBlanksAndComment();
    return reader_.AtEnd() || reader_.Peek() == '|' || reader_.Peek() == ')' || reader_.Peek() == ']';
  }

  Result<RegexNode> Sequence() {
    const int column = reader_.column();
    RegexSequence sequence;
    while (!AtEndOfSequence()) {
      CROMT_ASSIGN(const bool adverb, Adverb());
      if (adverb) continue;
      CROMT_ASSIGN(RegexNode item, Item());
      Append(sequence, std::move(item));
    }
    if (sequence.items.empty()) return RegexError(column, "a regex is missing here; .* matches anything");
    return RegexNode{std::move(sequence)};
  }

  // Letters that follow each other are one literal.
  static void Append(RegexSequence& sequence, RegexNode item) {
    auto* literal = std::get_if<RegexLiteral>(&item.form);
    auto* before = sequence.items.empty() ? nullptr : std::get_if<RegexLiteral>(&sequence.items.back().form);
    if (literal != nullptr && before != nullptr && literal->ignore_case == before->ignore_case)
      before->text += literal->text;
    else
      sequence.items.push_back(std::move(item));
  }

  // True if there was one.
  Result<bool> Adverb() {
    if (reader_.Peek() != ':') return false;
    const int column = reader_.column();
    size_t size = 1;
    while (IsAdverbByte(reader_.Peek(size))) ++size;
    const std::string_view name = reader_.Rest().substr(0, size);
    if (name == ":i" || name == ":ignorecase") {
      reader_.Advance(size);
      ignore_case_ = true;
      return true;
    }
    if (name == ":") return RegexError(column, "':' must be quoted to match it: ':'");
    const bool sigspace = name == ":s" || name == ":sigspace";
    return RegexOutside(column, fmt::format("'{}'", name),
                        sigspace ? "write \\s+ where blanks are" : "quote it if it is text");
  }

  Result<RegexNode> Item() {
    const int column = reader_.column();
    CROMT_ASSIGN(RegexNode atom, Atom());
    const size_t end = reader_.offset();
    SkipBlanksAndComment();
    CROMT_ASSIGN(auto repeat, Quantifier());
    if (!repeat) return TakeCut(end, column, std::move(atom));
    if (std::holds_alternative<Assertion>(atom.form)) return RegexError(column, "an assertion can't be repeated");
    repeat->column = column;
    repeat->body.push_back(std::move(atom));
    if (reader_.Peek() == ':' || reader_.Peek() == '!')
      return RegexOutside(reader_.column(), fmt::format("'{}' after a quantifier", reader_.Peek()));
    CROMT_TRY(Separator(*repeat));
    return RegexNode{std::move(*repeat)};
  }

  // `X:` forbids to go back into X: for what can match in one way only that changes nothing.
  Result<RegexNode> TakeCut(size_t atom_end, int column, RegexNode atom) {
    const bool cut = reader_.offset() == atom_end && reader_.Peek() == ':' && !IsAdverbByte(reader_.Peek(1));
    if (!cut) return atom;
    if (reader_.Peek(1) == ':') return RegexOutside(reader_.column(), "'::'", "quote it to match it: '::'");
    if (std::holds_alternative<RegexCapture>(atom.form) || std::holds_alternative<RegexSequence>(atom.form) ||
        std::holds_alternative<RegexAlternation>(atom.form))
      return RegexOutside(column, "':' after a bracket", "quote it to match it: ':'");
    reader_.Advance(1);
    return atom;
  }
  static bool IsAdverbByte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '!' || IsDigit(c);
  }

  // ---- Quantifiers -----------------------------------------------------------------------------

  Result<std::optional<RegexRepeat>> Quantifier() {
    RegexRepeat repeat;
    if (reader_.Peek() == '*' && reader_.Peek(1) == '*') {
      CROMT_TRY(Counts(repeat));
      return repeat;
    }
    switch (reader_.Peek()) {
      case '*': break;
      case '+': repeat.min = 1; break;
      case '?': repeat.max = 1; break;
      default: return std::nullopt;
    }
    reader_.Advance(1);
    repeat.frugal = reader_.Take("?");
    return repeat;
  }

  // ** 2, ** 2..4, ** 2..*, **? 2..4
  Status Counts(RegexRepeat& repeat) {
    const int column = reader_.column();
    reader_.Advance(2);
    repeat.frugal = reader_.Take("?");
    reader_.SkipBlanks();
    CROMT_ASSIGN(repeat.min, Count(column));
    repeat.max = repeat.min;
    if (!reader_.Take("..")) return {};
    if (reader_.Take("*")) {
      repeat.max = RegexRepeat::kUnlimited;
      return {};
    }
    CROMT_ASSIGN(repeat.max, Count(column));
    if (repeat.max < repeat.min) return RegexError(column, "'**' wants the smaller number first");
    return {};
  }

  Result<int> Count(int column) {
    const std::string_view rest = reader_.Rest();
    if (!IsDigit(reader_.Peek()))
      return RegexOutside(column, "'**' without a number", "write ** 2, ** 2..4 or ** 2..*");
    int count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc() || count > kMaxRegexRepetition)
      return RegexError(column, fmt::format("'**' repeats {} times at most", kMaxRegexRepetition));
    reader_.Advance(static_cast<size_t>(end - rest.data()));
    return count;
  }

  Status Separator(RegexRepeat& repeat) {
    SkipBlanksAndComment();
    if (reader_.Peek() != '%') return {};
    reader_.Advance(1);
    repeat.ends_with_separator = reader_.Take("%");
    SkipBlanksAndComment();
    const int column = reader_.column();
    if (AtEndOfSequence()) return RegexError(column, "'%' wants what stands between the parts");
    CROMT_ASSIGN(RegexNode separator, Atom());
    SkipBlanksAndComment();
    if (std::string_view("*+?%").find(reader_.Peek()) != std::string_view::npos && !reader_.AtEnd())
      return RegexOutside(column, "a repeated separator", "put [ ] around it");
    repeat.separator.push_back(std::move(separator));
    return {};
  }

  // ---- Atoms -----------------------------------------------------------------------------------

  Result<RegexNode> Atom() {
    const int column = reader_.column();
    if (IsBare(reader_.Character())) return Literal(std::string(reader_.TakeCharacter()), column);
    switch (reader_.Peek()) {
      case '\'': return SingleQuoted();
      case '"': return DoubleQuoted();
      case '(':
      case '[': return Bracket();
      case '$': return Dollar();
      case '\\': return Escape();
      case '.': reader_.Advance(1); return RegexNode{RegexChars{CharSet::All()}};
      default: return Special();
    }
  }

  Result<RegexNode> Literal(std::string text, int column) {
    if (ignore_case_ && FoldsToSeveral(text))
      return RegexOutside(column, fmt::format("{} under :i", Quote(text)), "write both forms, with ||");
    return RegexNode{RegexLiteral{.text = std::move(text), .ignore_case = ignore_case_}};
  }

  Result<RegexNode> Special() {
    const int column = reader_.column();
    for (const AssertionSymbol& symbol : kAssertionSymbols)
      if (reader_.Take(symbol.text)) return RegexNode{symbol.assertion};
    for (const OutsideSymbol& outside : kOutsideSymbols)
      if (reader_.Rest().starts_with(outside.text)) return RegexOutside(column, outside.construct, outside.instead);
    if (reader_.Take("<")) return Angle(column);
    const std::string_view character = reader_.Character();
    if (character == "*" || character == "+" || character == "?" || character == "%")
      return RegexError(column,
                        fmt::format("'{0}' has nothing before it to repeat; quote it to match it: '{0}'", character));
    return RegexError(column, fmt::format("{0} must be quoted to match it: {0}", Quote(character)));
  }

  // Behind the '<' of what takes characters.
  Result<RegexNode> Angle(int column) {
    if (reader_.Peek() == '>') return RegexOutside(column, "'<>'");
    if (reader_.Take("ident>") || reader_.Take(".ident>")) return Identifier();
    if (reader_.Take("ws>") || reader_.Take(".ws>")) return Blanks();
    CROMT_ASSIGN(CharSet set, ReadClass(reader_, ignore_case_));
    return RegexNode{RegexChars{std::move(set)}};
  }

  static RegexNode AnyOf(CharSet set) {
    RegexRepeat repeat;
    repeat.body.push_back({RegexChars{std::move(set)}});
    return {std::move(repeat)};
  }

  // <ident> and <ws> never give back what they took: said by what must follow.
  static RegexNode Identifier() {
    RegexSequence sequence;
    sequence.items.push_back({RegexChars{*CharSet::Named("alpha")}});
    sequence.items.push_back(AnyOf(*CharSet::Escape('w')));
    sequence.items.push_back({Assertion::kWordEnd});
    return {std::move(sequence)};
  }
  static RegexNode Blanks() {
    RegexSequence sequence;
    sequence.items.push_back({Assertion::kNotWithinWord});
    sequence.items.push_back(AnyOf(*CharSet::Escape('s')));
    sequence.items.push_back({Assertion::kNotBeforeSpace});
    return {std::move(sequence)};
  }

  Result<RegexNode> Escape() {
    const int column = reader_.column();
    CROMT_ASSIGN(RegexEscape escape, ReadEscape(reader_));
    if (auto* set = std::get_if<CharSet>(&escape)) return RegexNode{RegexChars{std::move(*set)}};
    return Literal(std::get<std::string>(std::move(escape)), column);
  }

  // '$' is the end of the text, and begins a variable where a name may follow.
  Result<RegexNode> Dollar() {
    const int column = reader_.column();
    const Assertion assertion = reader_.Take("$$") ? Assertion::kLineEnd : Assertion::kTextEnd;
    if (assertion == Assertion::kTextEnd) reader_.Take("$");
    if (reader_.AtEnd() || std::string_view(" \t)]|").find(reader_.Peek()) != std::string_view::npos)
      return RegexNode{assertion};
    return RegexOutside(column, fmt::format("a variable ({})", Quote("$" + std::string(reader_.Character()))),
                        "quote a dollar: '$'; put a blank after the $ of an end");
  }

  Result<RegexNode> Bracket() {
    const int column = reader_.column();
    const bool captures = reader_.Peek() == '(';
    if (nesting_ == kMaxRegexNesting)
      return RegexError(column, fmt::format("brackets are nested more than {} deep", kMaxRegexNesting));
    reader_.Advance(1);
    ++nesting_;
    CROMT_ASSIGN(RegexNode body, Alternation());
    --nesting_;
    if (reader_.Rest().starts_with(")>")) return Special();
    if (!reader_.Take(captures ? ")" : "]"))
      return RegexError(column, captures ? "'(' has no closing ')'" : "'[' has no closing ']'");
    if (captures) {
      RegexCapture capture;
      capture.body.push_back(std::move(body));
      return RegexNode{std::move(capture)};
    }
    RegexSequence group;
    group.items.push_back(std::move(body));
    return RegexNode{std::move(group)};
  }

  // ---- Quotes ----------------------------------------------------------------------------------

  Result<RegexNode> SingleQuoted() {
    const int column = reader_.column();
    reader_.Advance(1);
    std::string text;
    while (!reader_.AtEnd() && reader_.Peek() != '\'') {
      if (reader_.Peek() == '\\' && (reader_.Peek(1) == '\'' || reader_.Peek(1) == '\\')) reader_.Advance(1);
      text += reader_.TakeCharacter();
    }
    return Quoted(std::move(text), column);
  }

  Result<RegexNode> DoubleQuoted() {
    const int column = reader_.column();
    reader_.Advance(1);
    std::string text;
    while (!reader_.AtEnd() && reader_.Peek() != '"') {
      CROMT_TRY(RefuseInterpolation());
      if (reader_.Peek() != '\\') {
        text += reader_.TakeCharacter();
        continue;
      }
      CROMT_ASSIGN(std::string character, ReadQuotedEscape(reader_));
      text += character;
    }
    return Quoted(std::move(text), column);
  }

  // At the closing quote, or at the end.
  Result<RegexNode> Quoted(std::string text, int column) {
    if (reader_.AtEnd()) return RegexError(column, "a quote is not closed; write \\' or \\\" to match one");
    reader_.Advance(1);
    if (text.empty()) return RegexError(column, "an empty quote matches nothing in particular");
    return Literal(std::move(text), column);
  }

  // Between double quotes Raku puts values in place of variables and code.
  Status RefuseInterpolation() {
    const char c = reader_.Peek(), next = reader_.Peek(1);
    const bool code = c == '{';
    const bool scalar = c == '$' && next != ' ' && next != '"';
    const bool other = (c == '@' || c == '%' || c == '&') && InterpolatesName(reader_.Rest().substr(1));
    if (!code && !scalar && !other) return {};
    return RegexOutside(reader_.column(),
                        fmt::format("'{}' between double quotes ({})", c, code ? "code" : "a variable"),
                        "write it between single quotes");
  }

  // @name[…], %name<…>, &name(…): only with a bracket, so that me@example.com stays text.
  static bool InterpolatesName(std::string_view text) {
    static const RE2 name("^[*.!?^:=~]?[A-Za-z_][\\w.'-]*[\\[({<]", RE2::Quiet);
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), name);
  }

  void SkipBlanksAndComment() {
    reader_.SkipBlanks();
    if (reader_.Peek() != '#' || reader_.Peek(1) == '`') return;  // #`( … ) goes on behind it: refused as what it is
    comment_ = reader_.offset();
    reader_.Advance(reader_.Rest().size());
  }

  std::string_view text_;
  RegexReader reader_;
  int nesting_ = 0;
  bool ignore_case_ = false;
  std::optional<size_t> comment_;  // where it begins
};

}  // namespace

Result<ParsedRegex> ParseRegex(std::string_view text) {
  if (text.size() > kMaxRegexBytes)
    return RegexError(1, fmt::format("a regex is {} bytes long at most", kMaxRegexBytes));
  if (!IsUtf8(text)) return RegexError(1, "not UTF-8 text");
  static const RE2 control("[\\x00-\\x08\\x0a-\\x1f\\x{fdd0}-\\x{fddf}]", RE2::Quiet);
  if (RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), control))
    return RegexError(1, "holds a control character; write it as \\n, \\r or \\x[…]");
  return Parser(text).Parse();
}

}  // namespace cromt::step
