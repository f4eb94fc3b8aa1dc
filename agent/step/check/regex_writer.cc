#include "agent/step/check/regex_writer.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "agent/step/check/marked_text.h"
#include "agent/step/check/regex_reader.h"

namespace cromt::step {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// What is known of a part before anything is written.
struct Facts {
  bool nullable = false;  // may match the empty text
  bool captures = false;
  int rounds = 0;           // assertions that a match can ask for at one place, at most
  uint32_t assertions = 0;  // bit by Assertion
};

Facts FactsOf(const RegexNode& node);

Facts FactsOfRepeat(const RegexRepeat& repeat) {
  Facts facts = FactsOf(repeat.body[0]);
  bool empty_turn = facts.nullable;
  if (!repeat.separator.empty()) {
    const Facts separator = FactsOf(repeat.separator[0]);
    empty_turn = empty_turn && separator.nullable;
    facts.captures |= separator.captures;
    facts.rounds += separator.rounds;
    facts.assertions |= separator.assertions;
  }
  // Two turns meet at one place, or all of them if a turn may take nothing.
  constexpr int kTooMany = kMaxMarkRounds + 1;
  const int turns = repeat.max == RegexRepeat::kUnlimited ? kTooMany : std::min(repeat.max, kTooMany);
  facts.rounds = std::min(facts.rounds * (empty_turn ? turns : std::min(turns, 2)), kTooMany);
  facts.nullable |= repeat.min == 0;
  return facts;
}

Facts FactsOf(const RegexNode& node) {
  return std::visit(Overloaded{
                        [](const RegexSequence& sequence) {
                          Facts facts{.nullable = true};
                          for (const RegexNode& item : sequence.items) {
                            const Facts part = FactsOf(item);
                            facts.nullable &= part.nullable;
                            facts.captures |= part.captures;
                            facts.rounds += part.rounds;
                            facts.assertions |= part.assertions;
                          }
                          return facts;
                        },
                        [](const RegexLiteral&) { return Facts{}; },
                        [](const RegexChars&) { return Facts{}; },
                        [](Assertion assertion) {
                          return Facts{.nullable = true, .rounds = 1, .assertions = 1u << static_cast<int>(assertion)};
                        },
                        [](const RegexAlternation& alternation) {
                          Facts facts;
                          for (const RegexNode& branch : alternation.branches) {
                            const Facts part = FactsOf(branch);
                            facts.nullable |= part.nullable;
                            facts.captures |= part.captures;
                            facts.rounds = std::max(facts.rounds, part.rounds);
                            facts.assertions |= part.assertions;
                          }
                          return facts;
                        },
                        [](const RegexCapture& capture) {
                          Facts facts = FactsOf(capture.body[0]);
                          facts.captures = true;
                          return facts;
                        },
                        [](const RegexRepeat& repeat) { return FactsOfRepeat(repeat); },
                    },
                    node.form);
}

// The text that whatever matches `node` begins with, and whether that is all of it.
struct Prefix {
  std::string text;
  bool whole = false;
  bool ignore_case = false;
};

Prefix PrefixOf(const RegexNode& node) {
  if (const auto* literal = std::get_if<RegexLiteral>(&node.form))
    return {.text = literal->text, .whole = true, .ignore_case = literal->ignore_case};
  if (const auto* capture = std::get_if<RegexCapture>(&node.form)) return PrefixOf(capture->body[0]);
  Prefix prefix;
  const auto* sequence = std::get_if<RegexSequence>(&node.form);
  if (sequence == nullptr) return prefix;
  prefix.whole = true;
  for (const RegexNode& item : sequence->items) {
    if (!prefix.whole) break;
    Prefix part = PrefixOf(item);
    prefix.text += part.text;
    prefix.whole = part.whole;
    prefix.ignore_case |= part.ignore_case;
  }
  return prefix;
}

class Writer {
 public:
  Writer(bool marked, bool keeps_captures) : marked_(marked), keeps_captures_(keeps_captures) {}

  Result<std::string> Write(const RegexNode& node) {
    CROMT_ASSIGN(std::string pattern, std::visit([this](const auto& form) { return Form(form); }, node.form));
    if (pattern.size() > kMaxPatternBytes) return RegexError(1, "the regex is too large");
    return pattern;
  }

  std::vector<int> TakeCaptures() { return std::move(captures_); }

 private:
  Result<std::string> Form(const RegexSequence& sequence) {
    std::string pattern;
    for (const RegexNode& item : sequence.items) {
      CROMT_ASSIGN(std::string part, Write(item));
      pattern += std::holds_alternative<RegexAlternation>(item.form) ? fmt::format("(?:{})", part) : std::move(part);
    }
    return pattern;
  }

  Result<std::string> Form(const RegexLiteral& literal) {
    std::string pattern;
    for (std::string_view rest = literal.text; !rest.empty();) {
      const std::string_view character = rest.substr(0, Utf8SequenceLength(rest));
      pattern += Skip() + RE2::QuoteMeta(re2::StringPiece(character.data(), character.size()));
      rest.remove_prefix(character.size());
    }
    return literal.ignore_case ? fmt::format("(?i:{})", pattern) : pattern;
  }

  Result<std::string> Form(const RegexChars& chars) { return Skip() + chars.set.Pattern(); }

  Result<std::string> Form(Assertion assertion) {
    if (marked_) return fmt::format("{}?\\x{{{:x}}}", kMarks, static_cast<uint32_t>(MarkOf(assertion)));
    return assertion == Assertion::kTextStart || assertion == Assertion::kLineStart ? "\\A" : "\\z";
  }

  Result<std::string> Form(const RegexAlternation& alternation) {
    std::vector<const RegexNode*> branches;
    for (const RegexNode& branch : alternation.branches) branches.push_back(&branch);
    if (alternation.longest_first && keeps_captures_) CROMT_TRY(OrderLongestFirst(alternation.column, branches));
    const int before = next_capture_;
    int after = before;
    std::string pattern;
    for (const RegexNode* branch : branches) {
      next_capture_ = before;
      CROMT_ASSIGN(std::string part, Write(*branch));
      after = std::max(after, next_capture_);
      pattern += (pattern.empty() ? "" : "|") + part;
    }
    next_capture_ = after;
    return pattern;
  }

  Result<std::string> Form(const RegexCapture& capture) {
    if (in_capture_) {
      CROMT_ASSIGN(std::string inner, Write(capture.body[0]));
      return fmt::format("(?:{})", inner);
    }
    captures_.push_back(next_capture_++);
    in_capture_ = true;
    auto body = Write(capture.body[0]);
    in_capture_ = false;
    return body.map([](const std::string& pattern) { return fmt::format("({})", pattern); });
  }

  Result<std::string> Form(const RegexRepeat& repeat) {
    CROMT_TRY(RefuseRepeatedCapture(repeat));
    CROMT_ASSIGN(std::string body, Write(repeat.body[0]));
    body = fmt::format("(?:{})", body);
    if (repeat.separator.empty()) return body + Times(repeat, repeat.min, repeat.max);
    CROMT_ASSIGN(std::string separator, Write(repeat.separator[0]));
    if (repeat.max == 0) return std::string();
    const int more = repeat.max == RegexRepeat::kUnlimited ? repeat.max : repeat.max - 1;
    std::string pattern =
        fmt::format("{0}(?:(?:{1}){0}){2}", body, separator, Times(repeat, std::max(repeat.min - 1, 0), more));
    if (repeat.ends_with_separator) pattern += fmt::format("(?:{})?", separator);
    return repeat.min > 0 ? pattern : fmt::format("(?:{})?{}", pattern, repeat.frugal ? "?" : "");
  }

  // RE2 keeps what a capture held last, Raku a list of all.
  Status RefuseRepeatedCapture(const RegexRepeat& repeat) const {
    const bool optional = repeat.min == 0 && repeat.max == 1 && repeat.separator.empty();
    const bool captures =
        FactsOf(repeat.body[0]).captures || (!repeat.separator.empty() && FactsOf(repeat.separator[0]).captures);
    if (optional || in_capture_ || !captures) return {};
    return RegexOutside(repeat.column, "a repeated capture", "put the repetition inside: ( [ … ]+ )");
  }

  static std::string Times(const RegexRepeat& repeat, int min, int max) {
    std::string times;
    if (max == RegexRepeat::kUnlimited)
      times = min == 0 ? "*" : min == 1 ? "+" : fmt::format("{{{},}}", min);
    else
      times = min == 0 && max == 1 ? "?" : fmt::format("{{{},{}}}", min, max);
    return times + (repeat.frugal ? "?" : "");
  }

  static Status OrderLongestFirst(int column, std::vector<const RegexNode*>& branches) {
    std::vector<std::pair<Prefix, const RegexNode*>> prefixes;
    for (const RegexNode* branch : branches) prefixes.emplace_back(PrefixOf(*branch), branch);
    const auto is_whole = [](const auto& entry) { return entry.first.whole; };
    if (std::all_of(prefixes.begin(), prefixes.end(), is_whole)) {
      const auto longer = [](const auto& a, const auto& b) { return a.first.text.size() > b.first.text.size(); };
      std::stable_sort(prefixes.begin(), prefixes.end(), longer);
      for (size_t i = 0; i < branches.size(); ++i) branches[i] = prefixes[i].second;
      return {};
    }
    for (size_t i = 0; i < prefixes.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (MayFitOnePlace(prefixes[i].first, prefixes[j].first))
          return RegexOutside(column, "'|' (longest first) where it decides on captures",
                              "write '||', the better one first");
    return {};
  }

  static bool MayFitOnePlace(const Prefix& a, const Prefix& b) {
    if (a.ignore_case || b.ignore_case) return true;
    return a.text.starts_with(b.text) || b.text.starts_with(a.text);
  }

  std::string Skip() const { return marked_ ? std::string(kMarks) : std::string(); }

  static constexpr std::string_view kMarks = "[\\x{fdd0}-\\x{fddf}]*";

  const bool marked_;
  const bool keeps_captures_;
  bool in_capture_ = false;
  int next_capture_ = 0;
  std::vector<int> captures_;
};

}  // namespace

Result<WrittenRegex> WriteRegex(const RegexNode& root) {
  constexpr uint32_t kLineBits =
      1u << static_cast<int>(Assertion::kLineStart) | 1u << static_cast<int>(Assertion::kLineEnd);
  constexpr uint32_t kPlainBits =
      kLineBits | 1u << static_cast<int>(Assertion::kTextStart) | 1u << static_cast<int>(Assertion::kTextEnd);
  const Facts facts = FactsOf(root);
  const bool needs_marks = (facts.assertions & ~kPlainBits) != 0;
  if (facts.rounds > kMaxMarkRounds && (needs_marks || (facts.assertions & kLineBits) != 0))
    return RegexError(1, fmt::format("more than {} assertions may meet at one place", kMaxMarkRounds));
  WrittenRegex written{
      .plain = "", .marked = "", .assertions = facts.assertions, .rounds = facts.rounds, .captures = {}};
  if (!needs_marks) {
    Writer writer(false, facts.captures);
    CROMT_ASSIGN(written.plain, writer.Write(root));
    written.captures = writer.TakeCaptures();
  }
  if (needs_marks || (facts.assertions & kLineBits) != 0) {
    Writer writer(true, facts.captures);
    CROMT_ASSIGN(written.marked, writer.Write(root));
    written.captures = writer.TakeCaptures();
  }
  return written;
}

}  // namespace cromt::step
