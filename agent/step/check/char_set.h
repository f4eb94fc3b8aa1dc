// A set of characters as a Raku regex names one, and the RE2 pattern that matches one character of it. RE2 has no
// difference of classes and no Unicode tables that one could ask, so the set is kept in three parts: the first 256
// characters one by one, above them whole general categories, and ranges added to or taken from those.
//
// Plain values, any thread.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cromt::step {

// Noncharacters that mark positions of a text (marked_text.h). No set holds them.
inline constexpr char32_t kFirstMark = 0xFDD0;
inline constexpr char32_t kLastMark = 0xFDDF;

class CharSet {
 public:
  CharSet() = default;  // empty
  static CharSet Range(char32_t first, char32_t last);
  static CharSet All();
  // A Unicode general category or group of them: "Lu", "L". nullopt: there is none of this name.
  static std::optional<CharSet> Property(std::string_view name);
  // What Raku calls <NAME>: alpha, digit, … nullopt: not a class of one character.
  static std::optional<CharSet> Named(std::string_view name);
  // Of \d \w \s \h \v \n and, in upper case, their complements.
  static std::optional<CharSet> Escape(char letter);

  // nullopt where the result needs tables that we don't have: both sides hold categories, and one of them has lost
  // single characters above U+00FF.
  static std::optional<CharSet> Union(const CharSet& a, const CharSet& b);
  static std::optional<CharSet> Difference(const CharSet& a, const CharSet& b);
  CharSet Complement() const;

  // With ASCII letters in both cases if either is in it.
  CharSet FoldedAscii() const;

  // Matches one character of the set, and nothing if it is empty.
  std::string Pattern() const;

  friend bool operator==(const CharSet&, const CharSet&) = default;

 private:
  using Ranges = std::vector<std::pair<char32_t, char32_t>>;  // sorted, disjoint, all above U+00FF
  static constexpr size_t kLow = 256;

  static CharSet Categories(uint32_t mask);
  static Ranges Joined(Ranges a, const Ranges& b);
  static Ranges Without(const Ranges& a, const Ranges& b);
  std::string LowPattern() const;  // the inner part of a bracket
  bool HoldsLowPartOfCategories() const;
  std::string HighPattern(const Ranges& removed) const;

  // The set: low_, and above U+00FF (categories_ - removed_) + added_.
  std::bitset<kLow> low_;
  uint32_t categories_ = 0;  // bits in the order of kCategories
  Ranges added_;
  Ranges removed_;
};

}  // namespace cromt::step
