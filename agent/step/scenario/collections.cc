// Lists and maps.
#include <fmt/format.h>

#include <algorithm>

#include "agent/step/scenario/characters.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// Would Raku make a number of this word of <a b>, too? Errs to yes.
bool MayBeNumber(std::string_view word) {
  if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
  if (word.empty()) return false;
  const bool digit = IsDigit(word[0]) || ((word[0] == '.' || word[0] == ':') && word.size() > 1 && IsDigit(word[1]));
  return digit || static_cast<unsigned char>(word[0]) >= 0x80 || word.starts_with("Inf") || word.starts_with("NaN");
}

// Blanks and what follows them, in one line.
std::string_view AfterBlanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

}  // namespace

// Values between commas up to `closing`, or as long as there are commas. Only a single one may be a range.
Result<RecursiveParser::ItemList> RecursiveParser::Items(std::string_view closing) {
  ItemList list;
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    if (cursor_.AtEnd() || (!closing.empty() && cursor_.StartsWith(closing))) break;
    if (closing.empty() && list.trailing_comma && (cursor_.Peek() == ';' || cursor_.Peek() == '}')) break;
    if (AtPairName()) return OutsideAt(cursor_.at(), "a pair that isn't in a map");
    CROMT_ASSIGN(Expression item, TightOrRange(Use::kValue));
    list.items.push_back(std::move(item));
    CROMT_TRY(cursor_.SkipBlanks());
    list.trailing_comma = cursor_.Take(",");
    if (!list.trailing_comma) break;
  }
  if (!list.IsSingle())
    for (const Expression& item : list.items) CROMT_TRY(RefuseRange(item));
  return list;
}

Result<Expression> RecursiveParser::Array() {
  const Position at = cursor_.at();
  cursor_.Take("[");
  CROMT_ASSIGN(ItemList parsed, Items("]"));
  CROMT_TRY(Expect("]"));
  for (const Expression& item : parsed.items) CROMT_TRY(Hold(item, Holding::kListsAndMaps));
  bool flattens = false;
  if (parsed.IsSingle()) {
    const Yield yield = YieldOf(parsed.items[0]);
    if (yield == Yield::kUnclear)
      return OutsideAt(at, "a list of one map, which Raku flattens (write a comma after it to keep it)");
    flattens = yield == Yield::kEach;
  }
  return Expression{at, ListLiteral{std::move(parsed.items), true, flattens}};
}

// A value in parentheses is the value; with a comma it is a list.
Result<Expression> RecursiveParser::Parentheses() {
  const Position at = cursor_.at();
  cursor_.Take("(");
  CROMT_ASSIGN(bool is_empty, TakeAfterBlanks(")"));
  if (is_empty) return Expression{at, ListLiteral{}};
  if (AtPairName()) return OutsideAt(cursor_.at(), "a pair that isn't in a map");
  CROMT_ASSIGN(Expression first, Loose(Use::kValue));
  CROMT_ASSIGN(bool is_list, TakeAfterBlanks(","));
  if (!is_list) {
    CROMT_TRY(Expect(")"));
    return first;
  }
  CROMT_TRY(RefuseRange(first));
  CROMT_ASSIGN(ItemList more, Items(")"));
  CROMT_TRY(Expect(")"));
  ListLiteral list;
  list.items.push_back(std::move(first));
  for (Expression& item : more.items) list.items.push_back(std::move(item));
  for (const Expression& item : list.items) CROMT_TRY(Hold(item, Holding::kAll));
  return Expression{at, std::move(list)};
}

// The words between < and >.
Result<std::vector<std::string>> RecursiveParser::Words() {
  const Position at = cursor_.at();
  const size_t end = cursor_.rest().find('>');
  if (end == std::string_view::npos) return ErrorAt(at, "'<' has no closing '>'");
  std::string_view text = cursor_.rest().substr(1, end - 1);
  if (text.find_first_of("<\\") != std::string_view::npos) return OutsideAt(at, "<> with '<' or '\\' in it");
  const int line = at.line + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  std::vector<std::string> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) break;
    const size_t size = std::min(text.find_first_of(" \t\r\n"), text.size());
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  cursor_.Advance(end + 1);
  if (cursor_.at().line != line) return OutsideAt(at, "<> over several lines beside a heredoc");
  return words;
}

Result<Expression> RecursiveParser::WordList() {
  const Position at = cursor_.at();
  CROMT_ASSIGN(std::vector<std::string> words, Words());
  if (words.empty()) return OutsideAt(at, "<> without a word");
  ListLiteral list;
  for (std::string& word : words) {
    CROMT_TRY(CountExpression());
    if (MayBeNumber(word)) return OutsideAt(at, fmt::format("the number {} between < and >", Quote(word)));
    list.items.push_back({at, StringLiteral{std::move(word)}});
  }
  if (list.items.size() == 1) return std::move(list.items[0]);
  return Expression{at, std::move(list)};
}

Result<Expression> RecursiveParser::Map(std::string_view opening, std::string_view closing) {
  const Position at = cursor_.at();
  const size_t topic_uses = topic_uses_;
  cursor_.Take(opening);
  CROMT_ASSIGN(auto entries, Entries(closing));
  CROMT_TRY(Expect(closing));
  if (opening == "{" && topic_uses_ != topic_uses) return OutsideAt(at, "{ … } with $_, which Raku takes for a block");
  return Expression{at, MapLiteral{std::move(entries)}};
}

Result<std::vector<MapEntry>> RecursiveParser::Entries(std::string_view closing) {
  std::vector<MapEntry> entries;
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    if (cursor_.AtEnd() || cursor_.StartsWith(closing)) return entries;
    if (entries.size() == kMaxMapEntries)
      return cursor_.LimitAt(cursor_.at(), fmt::format("more than {} entries of a map", kMaxMapEntries));
    CROMT_ASSIGN(MapEntry entry, Entry());
    entries.push_back(std::move(entry));
    CROMT_TRY(cursor_.SkipBlanks());
    if (!cursor_.Take(",")) return entries;
  }
}

// Does `name =>` or `:name` stand here?
bool RecursiveParser::AtPairName() const {
  const std::string_view rest = cursor_.rest();
  if (const size_t size = IdentifierBytes(rest); size > 0) return AfterBlanks(rest.substr(size)).starts_with("=>");
  const char next = cursor_.Peek(1);
  return cursor_.Peek() == ':' && (IsAlpha(next) || IsDigit(next) || IsSigil(next) || next == '!');
}

Result<MapEntry> RecursiveParser::Entry() {
  if (cursor_.Peek() == ':') return ColonPair();
  MapEntry entry;
  const Position at = cursor_.at();
  if (AtPairName()) {
    const std::string_view name = cursor_.PeekWord();
    cursor_.Advance(name.size());
    entry.key = {at, StringLiteral{std::string(name)}};
  } else {
    CROMT_ASSIGN(entry.key, Tight(Use::kValue));
  }
  CROMT_ASSIGN(bool is_pair, TakeAfterBlanks("=>"));
  if (!is_pair && cursor_.AtEnd()) return Unexpected();
  if (!is_pair) return OutsideAt(at, "an entry of a map without '=>'");
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(entry.value, Tight(Use::kValue));
  CROMT_TRY(Hold(entry.value, Holding::kListsAndMaps));
  return entry;
}

// :flag, :!flag, :$x, :key<words>, :key(value), :key[…], :key{…}
Result<MapEntry> RecursiveParser::ColonPair() {
  const Position at = cursor_.at();
  cursor_.Take(":");
  MapEntry entry;
  if (IsSigil(cursor_.Peek())) {
    const std::string_view name = cursor_.rest().substr(1);
    entry.key = {at, StringLiteral{std::string(name.substr(0, IdentifierBytes(name)))}};
    CROMT_ASSIGN(entry.value, AnyVariable());
    CROMT_TRY(Hold(entry.value, Holding::kListsAndMaps));
    return entry;
  }
  const bool negated = cursor_.Take("!");
  const std::string_view name = cursor_.PeekWord();
  if (name.empty()) return OutsideAt(at, "such a ':' pair");
  cursor_.Advance(name.size());
  entry.key = {at, StringLiteral{std::string(name)}};
  entry.value = {at, BooleanLiteral{!negated}};
  const char c = cursor_.Peek();
  if (negated || !(IsOpening(c) || c == '"' || c == '\'')) return entry;
  if (!IsOpening(c)) return OutsideAt(at, "such a ':' pair");
  CROMT_ASSIGN(entry.value, Term(Use::kValue));
  CROMT_TRY(Hold(entry.value, Holding::kListsAndMaps));
  return entry;
}

}  // namespace cromt::step
