#include "agent/step/check/char_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cromt::step {
namespace {

constexpr char32_t kLastCharacter = 0x10FFFF;

// Cn, unassigned, is the one that RE2 has no name for: sets that hold it are written by what they don't hold.
constexpr std::array<std::string_view, 30> kCategories = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                                          "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                                          "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
constexpr uint32_t kAllCategories = (1u << kCategories.size()) - 1;
constexpr uint32_t kUnassigned = 1u << (kCategories.size() - 1);

// The categories of U+0000 to U+00FF: 32 controls, then as printed, "Lu" as 'A', "Ll" as 'a' and so on.
constexpr std::string_view kLowCategories =
    "cccccccccccccccccccccccccccccccc"
    " ooo$ooo()o+o-oo0000000000oo+++o"   // U+0020
    "oAAAAAAAAAAAAAAAAAAAAAAAAAA(o)^_"   // U+0040
    "^aaaaaaaaaaaaaaaaaaaaaaaaaa(+)+c"   // U+0060
    "cccccccccccccccccccccccccccccccc"   // U+0080
    " o$$$$so^sl<+fs^s+11^aoo^1l>111o"   // U+00A0
    "AAAAAAAAAAAAAAAAAAAAAAA+AAAAAAAa"   // U+00C0
    "aaaaaaaaaaaaaaaaaaaaaaa+aaaaaaaa";  // U+00E0
static_assert(kLowCategories.size() == 256);

std::string_view LowCategory(size_t character) {
  switch (kLowCategories[character]) {
    case 'c': return "Cc";
    case ' ': return "Zs";
    case 'o': return "Po";
    case '$': return "Sc";
    case '(': return "Ps";
    case ')': return "Pe";
    case '+': return "Sm";
    case '-': return "Pd";
    case '0': return "Nd";
    case 'A': return "Lu";
    case 'a': return "Ll";
    case '^': return "Sk";
    case '_': return "Pc";
    case 's': return "So";
    case 'l': return "Lo";
    case '<': return "Pi";
    case '>': return "Pf";
    case 'f': return "Cf";
    default: return "No";
  }
}

// The mask of a category or of a group, 0 if there is none.
uint32_t MaskOf(std::string_view name) {
  uint32_t mask = 0;
  for (size_t i = 0; i < kCategories.size(); ++i)
    if (!name.empty() && name.size() <= 2 && kCategories[i].starts_with(name)) mask |= 1u << i;
  return mask;
}

std::string BracketRange(char32_t first, char32_t last) {
  if (first == last) return fmt::format("\\x{{{:x}}}", static_cast<uint32_t>(first));
  return fmt::format("\\x{{{:x}}}-\\x{{{:x}}}", static_cast<uint32_t>(first), static_cast<uint32_t>(last));
}

// As few names as possible: a whole group is one.
std::string CategoryNames(uint32_t mask) {
  std::string names;
  for (std::string_view group : {"L", "M", "N", "P", "S", "Z"}) {
    const uint32_t members = MaskOf(group);
    if ((mask & members) != members) continue;
    names += fmt::format("\\p{{{}}}", group);
    mask &= ~members;
  }
  for (size_t i = 0; i < kCategories.size(); ++i)
    if ((mask >> i & 1) != 0 && kCategories[i] != "Cn") names += fmt::format("\\p{{{}}}", kCategories[i]);
  return names;
}

}  // namespace

CharSet CharSet::Range(char32_t first, char32_t last) {
  CharSet set;
  for (char32_t c = first; c <= last && c < kLow; ++c) set.low_.set(c);
  if (last >= kLow) set.added_ = {{std::max<char32_t>(first, kLow), last}};
  return set;
}

CharSet CharSet::All() {
  return Categories(kAllCategories);
}

CharSet CharSet::Categories(uint32_t mask) {
  CharSet set;
  set.categories_ = mask;
  for (size_t c = 0; c < kLow; ++c) set.low_[c] = (mask & MaskOf(LowCategory(c))) != 0;
  return set;
}

std::optional<CharSet> CharSet::Property(std::string_view name) {
  const uint32_t mask = MaskOf(name);
  return mask == 0 ? std::nullopt : std::optional(Categories(mask));
}

std::optional<CharSet> CharSet::Named(std::string_view name) {
  const uint32_t letters = MaskOf("L"), word = letters | MaskOf("Nd");
  if (name == "alpha") return Union(Categories(letters), Range('_', '_'));
  if (name == "alnum") return Escape('w');
  if (name == "digit") return Escape('d');
  if (name == "upper") return Categories(MaskOf("Lu"));
  if (name == "lower") return Categories(MaskOf("Ll"));
  if (name == "punct") return Categories(MaskOf("P"));
  if (name == "cntrl") return Categories(MaskOf("Cc"));
  if (name == "graph") return Categories(word | MaskOf("P"));
  if (name == "space") return Escape('s');
  if (name == "blank") return Union(Categories(MaskOf("Zs")), Range('\t', '\t'));
  if (name == "xdigit") return Union(*Union(Range('0', '9'), Range('a', 'f')), Range('A', 'F'));
  return std::nullopt;
}

std::optional<CharSet> CharSet::Escape(char letter) {
  const CharSet newlines =
      *Union(*Union(Range('\n', '\r'), Range(0x85, 0x85)), Categories(MaskOf("Zl") | MaskOf("Zp")));
  const CharSet blanks = *Union(Categories(MaskOf("Zs")), Range('\t', '\t'));
  switch (letter) {
    case 'd': return Categories(MaskOf("Nd"));
    case 'w': return Union(Categories(MaskOf("L") | MaskOf("Nd")), Range('_', '_'));
    case 's': return Union(newlines, blanks);
    case 'h': return Union(blanks, Range(0x180E, 0x180E));
    case 'v':
    case 'n': return newlines;
    case 'D':
    case 'W':
    case 'S':
    case 'H':
    case 'V':
    case 'N': return Escape(static_cast<char>(letter - 'A' + 'a'))->Complement();
    default: return std::nullopt;
  }
}

CharSet::Ranges CharSet::Joined(Ranges a, const Ranges& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  Ranges joined;
  for (const auto& range : a) {
    if (!joined.empty() && range.first <= joined.back().second + 1)
      joined.back().second = std::max(joined.back().second, range.second);
    else
      joined.push_back(range);
  }
  return joined;
}

CharSet::Ranges CharSet::Without(const Ranges& a, const Ranges& b) {
  Ranges rest;
  for (auto [first, last] : a) {
    for (const auto& [hole_first, hole_last] : b) {
      if (hole_last < first || hole_first > last) continue;
      if (first < hole_first) rest.emplace_back(first, hole_first - 1);
      first = hole_last + 1;
    }
    if (first <= last) rest.emplace_back(first, last);
  }
  return rest;
}

std::optional<CharSet> CharSet::Union(const CharSet& a, const CharSet& b) {
  CharSet set;
  set.low_ = a.low_ | b.low_;
  set.categories_ = a.categories_ | b.categories_;
  set.added_ = Joined(a.added_, b.added_);
  if (a.categories_ == b.categories_) {  // lost on both sides
    set.removed_ = Without(a.removed_, Without(a.removed_, b.removed_));
    return set;
  }
  if ((!a.removed_.empty() && b.categories_ != 0) || (!b.removed_.empty() && a.categories_ != 0)) return std::nullopt;
  set.removed_ = Without(Joined(a.removed_, b.removed_), set.added_);
  return set;
}

CharSet CharSet::Complement() const {
  CharSet set;
  set.low_ = ~low_;
  set.categories_ = ~categories_ & kAllCategories;
  set.removed_ = added_;
  set.added_ = Without(removed_, added_);
  return set;
}

std::optional<CharSet> CharSet::Difference(const CharSet& a, const CharSet& b) {
  std::optional<CharSet> rest = Union(a.Complement(), b);
  return rest ? std::optional(rest->Complement()) : std::nullopt;
}

CharSet CharSet::FoldedAscii() const {
  CharSet set = *this;
  for (size_t c = 'a'; c <= 'z'; ++c) set.low_[c] = set.low_[c - 'a' + 'A'] = low_[c] || low_[c - 'a' + 'A'];
  return set;
}

std::string CharSet::LowPattern() const {
  std::string pattern;
  for (size_t c = 0; c < kLow; ++c) {
    if (!low_[c]) continue;
    size_t last = c;
    while (last + 1 < kLow && low_[last + 1]) ++last;
    pattern += BracketRange(static_cast<char32_t>(c), static_cast<char32_t>(last));
    c = last;
  }
  return pattern;
}

bool CharSet::HoldsLowPartOfCategories() const {
  return (Categories(categories_).low_ & ~low_).none();
}

// What categories_ without `removed` hold above U+00FF: each part a bracket that names what is not in it.
std::string CharSet::HighPattern(const Ranges& removed) const {
  std::string holes = BracketRange(0, kLow - 1);
  for (const auto& [first, last] : removed) holes += BracketRange(first, last);
  if ((categories_ & kUnassigned) != 0)
    return fmt::format("[^{}{}]", holes, CategoryNames(~categories_ & kAllCategories));
  std::vector<std::string> parts;
  for (size_t i = 0; i < kCategories.size(); ++i)
    if ((categories_ >> i & 1) != 0) parts.push_back(fmt::format("[^{}\\P{{{}}}]", holes, kCategories[i]));
  return fmt::format("{}", fmt::join(parts, "|"));
}

std::string CharSet::Pattern() const {
  const Ranges marks = {{kFirstMark, kLastMark}};
  const bool holds_marks = (categories_ & kUnassigned) != 0;
  const Ranges removed = holds_marks ? Joined(removed_, marks) : removed_;
  std::string bracket = LowPattern();
  for (const auto& [first, last] : Without(added_, marks)) bracket += BracketRange(first, last);
  const bool by_name = !holds_marks && removed.empty() && HoldsLowPartOfCategories();
  if (by_name) bracket += CategoryNames(categories_);
  const std::string high = by_name || categories_ == 0 ? "" : HighPattern(removed);
  if (bracket.empty() && high.empty()) return fmt::format("[^{}]", BracketRange(0, kLastCharacter));
  if (high.empty()) return fmt::format("[{}]", bracket);
  return bracket.empty() ? fmt::format("(?:{})", high) : fmt::format("(?:[{}]|{})", bracket, high);
}

}  // namespace cromt::step
