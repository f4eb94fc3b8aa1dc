#include "io/yaml/yaml_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/name.h"
#include "io/yaml/line_index.h"

namespace cromt {
namespace {

constexpr size_t kNowhere = std::string_view::npos;
constexpr const char* kUnclosedQuote = "a quote that is never closed";

struct Words {
  std::string_view theirs;  // the message of yaml-cpp, or how it begins
  std::string_view ours;
};

constexpr std::string_view kStar =
    "text that begins with '*' must stand in quotes, as in '*/10 * * * *'; without them it names an alias";
constexpr std::string_view kNoAnchor =
    "no anchor ('&NAME') stands before this alias; text that begins with '*' must stand in quotes, as in '*/10 * * * "
    "*'";
constexpr std::string_view kTab = "a tab in the indentation; use spaces";
constexpr std::string_view kFit = "this does not fit what it stands in; check its indentation, and quotes before it";
constexpr std::string_view kAnchor = "text that begins with '&' must stand in quotes; without them it names an anchor";
constexpr std::string_view kDirective = "a line that begins with '%' is a directive; only '%YAML 1.2' is useful here";
constexpr std::string_view kTag = "text that begins with '!' must stand in quotes; without them it is a tag";

const Words kWords[] = {
    {YAML::ErrorMsg::END_OF_MAP, kFit},
    {YAML::ErrorMsg::END_OF_SEQ, "an item of a list begins with '- ', below the item before it"},
    {YAML::ErrorMsg::MAP_VALUE, "a ':' can't stand here; put text that holds ': ' in quotes, or check the indentation"},
    {YAML::ErrorMsg::MAP_KEY, kFit},
    {YAML::ErrorMsg::BLOCK_ENTRY, "a list can't begin here; write its first '- ' on a line of its own, below its key"},
    {YAML::ErrorMsg::FLOW_END, "this bracket does not close what is open here; put text that begins with it in quotes"},
    {YAML::ErrorMsg::TAB_IN_INDENTATION, kTab},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "a line of '---' or '...' within quotes; is the quote before it closed?"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, kNoAnchor},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, kStar},
    {YAML::ErrorMsg::CHAR_IN_ALIAS, kStar},
    {YAML::ErrorMsg::ALIAS_CONTENT, "an alias stands alone, without anchor or tag"},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND, kAnchor},
    {YAML::ErrorMsg::CHAR_IN_ANCHOR, kAnchor},
    {YAML::ErrorMsg::MULTIPLE_ANCHORS, "two anchors for one value"},
    {YAML::ErrorMsg::MULTIPLE_TAGS, "two tags for one value"},
    {YAML::ErrorMsg::CHAR_IN_TAG_HANDLE, kTag},
    {YAML::ErrorMsg::TAG_WITH_NO_SUFFIX, kTag},
    {YAML::ErrorMsg::END_OF_VERBATIM_TAG, kTag},
    {YAML::ErrorMsg::INVALID_HEX, "an escape of double quotes needs hexadecimal digits: \\x41, \\u00e9"},
    {YAML::ErrorMsg::INVALID_UNICODE, "an escape of double quotes that is no character of Unicode"},
    {YAML::ErrorMsg::INVALID_ESCAPE,
     "an escape that double quotes don't know; write '\\\\' for '\\', or use single quotes"},
    {YAML::ErrorMsg::ZERO_INDENT_IN_BLOCK, "after '|' or '>' may stand an indentation from 1 to 9"},
    {YAML::ErrorMsg::CHAR_IN_BLOCK, "after '|' or '>' the text begins on the next line"},
    {YAML::ErrorMsg::YAML_DIRECTIVE_ARGS, kDirective},
    {YAML::ErrorMsg::YAML_VERSION, kDirective},
    {YAML::ErrorMsg::YAML_MAJOR_VERSION, kDirective},
    {YAML::ErrorMsg::REPEATED_YAML_DIRECTIVE, kDirective},
    {YAML::ErrorMsg::TAG_DIRECTIVE_ARGS, kDirective},
    {YAML::ErrorMsg::REPEATED_TAG_DIRECTIVE, kDirective},
};

bool BeginsToken(std::string_view source, size_t at, size_t from) {
  return at == from || std::string_view(" \t\r\n[{,:-?").find(source[at - 1]) != kNowhere;
}

// Behind the quote that closes the one at `begin`; kNowhere if none does.
size_t EndOfQuoted(std::string_view source, size_t begin) {
  char quote = source[begin];
  for (size_t i = begin + 1; i < source.size(); ++i) {
    if (quote == '"' && source[i] == '\\')
      ++i;
    else if (source[i] == quote && quote == '\'' && i + 1 < source.size() && source[i + 1] == quote)
      ++i;
    else if (source[i] == quote)
      return i + 1;
  }
  return kNowhere;
}

struct Unclosed {
  size_t quote = kNowhere;
  size_t bracket = kNowhere;  // the innermost
};

// What is opened and not closed from `from` on, where a value begins. It knows less than a parser: it only finds a
// place to look at for an error that is one.
Unclosed FindUnclosed(std::string_view source, size_t from) {
  std::vector<size_t> brackets;
  size_t quote = kNowhere;
  for (size_t i = from; i < source.size();) {
    char c = source[i];
    bool begins = BeginsToken(source, i, from);
    if ((c == '"' || c == '\'') && begins) {
      size_t end = EndOfQuoted(source, i);
      if (end == kNowhere) quote = i;
      i = std::min(end, source.size());
      continue;
    }
    if (c == '#' && begins) i = std::min(source.find('\n', i), source.size() - 1);
    if ((c == '[' || c == '{') && begins) brackets.push_back(i);
    if ((c == ']' || c == '}') && !brackets.empty()) brackets.pop_back();
    ++i;
  }
  return {quote, brackets.empty() ? kNowhere : brackets.back()};
}

// Where the text of the value at `offset` begins, behind its tag and anchor.
size_t SkipProperties(std::string_view source, size_t offset) {
  for (size_t i = offset;;) {
    i = std::min(source.find_first_not_of(" \t\r\n", i), source.size());
    if (i == source.size() || (source[i] != '!' && source[i] != '&' && source[i] != '#')) return i;
    i = std::min(source.find_first_of(source[i] == '#' ? "\n" : " \t\r\n", i), source.size());
  }
}

std::string UnknownToken(std::string_view source, size_t offset) {
  if (offset >= source.size()) return std::string(kFit);
  return fmt::format("text can't begin with {}; put it in quotes",
                     Quote(source.substr(offset, std::max<size_t>(1, Utf8SequenceLength(source.substr(offset))))));
}

// The tab in the indentation of the line at `offset`, if there is one.
size_t TabBefore(std::string_view source, size_t offset) {
  std::string_view before = source.substr(0, offset);
  size_t begin = before.rfind('\n') + 1;  // npos + 1 = 0
  std::string_view indentation = source.substr(begin, source.find_first_not_of(" \t", begin) - begin);
  size_t tab = indentation.find('\t');
  return tab == kNowhere ? kNowhere : begin + tab;
}

Position PositionOf(std::string_view source, size_t offset) {
  return LineIndex(source).At(source, offset);
}

}  // namespace

std::optional<YamlRefusal> UnclosedQuote(std::string_view source, const YamlTreeBuilder& builder) {
  size_t begin = SkipProperties(source, builder.last_offset());
  bool is_quote = begin < source.size() && (source[begin] == '"' || source[begin] == '\'');
  if (!is_quote || EndOfQuoted(source, begin) != kNowhere) return std::nullopt;
  return YamlRefusal{PositionOf(source, begin), kUnclosedQuote};
}

YamlRefusal InOurWords(const YAML::Exception& error, std::string_view source, const YamlTreeBuilder& builder) {
  size_t offset = error.mark.is_null() ? builder.last_offset() : static_cast<size_t>(std::max(error.mark.pos, 0));
  Position at = PositionOf(source, offset);
  if (auto quote = UnclosedQuote(source, builder)) return *quote;
  if (error.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {
    size_t quote = FindUnclosed(source, builder.last_offset()).quote;
    return {quote == kNowhere ? at : PositionOf(source, quote), kUnclosedQuote};
  }
  if (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW || error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW) {
    size_t bracket = FindUnclosed(source, builder.last_offset()).bracket;
    if (bracket == kNowhere) bracket = builder.open_offset();
    if (bracket < source.size() && (source[bracket] == '[' || source[bracket] == '{')) at = PositionOf(source, bracket);
    bool is_list = error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    return {at, is_list ? "'[' is not closed by ']', or a ',' is missing in between"
                        : "'{' is not closed by '}', or a ',' is missing in between"};
  }
  if (size_t tab = TabBefore(source, offset); tab != kNowhere) return {PositionOf(source, tab), std::string(kTab)};
  if (error.msg == YAML::ErrorMsg::UNKNOWN_TOKEN) return {at, UnknownToken(source, offset)};
  for (const Words& words : kWords)
    if (error.msg.starts_with(words.theirs)) return {at, std::string(words.ours)};
  return {at, "this is not YAML"};
}

}  // namespace cromt
