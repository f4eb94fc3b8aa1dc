// Sets of characters against RE2's own tables, and their algebra against membership one character at a time.
#include "agent/step/check/char_set.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "base/random.h"

namespace cromt::step {
namespace {

std::string Utf8(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
}

// All of the first planes' scripts that a class may tell apart, and a few from far away.
std::vector<char32_t> Samples() {
  std::vector<char32_t> samples;
  for (char32_t c = 0; c < 0x3000; ++c) samples.push_back(c);
  for (char32_t c : {0xD7FF, 0xE000, 0xFB00, 0xFDCF, 0xFDF0, 0xFFFD, 0x1F600, 0x2FA1D, 0xE0001, 0x10FFFD, 0x10FFFF})
    samples.push_back(c);
  return samples;
}

std::vector<bool> Members(const std::string& pattern) {
  const RE2 program(pattern, RE2::Quiet);
  EXPECT_TRUE(program.ok()) << pattern;
  std::vector<bool> members;
  for (char32_t c : Samples()) members.push_back(RE2::FullMatch(Utf8(c), program));
  return members;
}

TEST(CharSet, HasTheCategoriesOfUnicode) {
  for (std::string name :
       {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
        "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "L",  "M",  "N",  "P",  "S",  "Z"}) {
    const auto set = CharSet::Property(name);
    ASSERT_TRUE(set) << name;
    EXPECT_EQ(Members(set->Pattern()), Members("\\p{" + name + "}")) << name;
    EXPECT_EQ(Members(set->Complement().Pattern()), Members("\\P{" + name + "}")) << name;
  }
  EXPECT_FALSE(CharSet::Property(""));
  EXPECT_FALSE(CharSet::Property("X"));
  EXPECT_FALSE(CharSet::Property("Letter"));
}

TEST(CharSet, HoldsNoMark) {
  const RE2 all(CharSet::All().Pattern(), RE2::Quiet), range(CharSet::Range(0xFD00, 0xFE00).Pattern(), RE2::Quiet);
  for (char32_t mark : {kFirstMark, kLastMark}) {
    EXPECT_FALSE(RE2::FullMatch(Utf8(mark), all));
    EXPECT_FALSE(RE2::FullMatch(Utf8(mark), range));
  }
  EXPECT_TRUE(RE2::FullMatch(Utf8(kLastMark + 1), range));
  EXPECT_FALSE(RE2::PartialMatch("aé\n", RE2(CharSet().Pattern(), RE2::Quiet)));
}

CharSet RandomSet(SeededRandom& random) {
  switch (random.Below(4)) {
    case 0: return *CharSet::Escape("dwshvnDWSHVN"[random.Below(12)]);
    case 1: {
      constexpr std::array<std::string_view, 6> kNames = {"alpha", "upper", "punct", "xdigit", "blank", "graph"};
      return *CharSet::Named(kNames[random.Below(kNames.size())]);
    }
    default: {
      const auto first = static_cast<char32_t>(random.Below(0x2800));
      return CharSet::Range(first, first + static_cast<char32_t>(random.Below(0x300)));
    }
  }
}

// A result is right, or isn't given: that is for sets that would need tables.
TEST(CharSet, JoinsAndTakesAway) {
  SeededRandom random(5);
  int given = 0;
  for (int round = 0; round < 60; ++round) {
    CharSet set = RandomSet(random);
    std::vector<bool> expected = Members(set.Pattern());
    for (int step = 0; step < 3; ++step) {
      const CharSet other = RandomSet(random);
      const std::vector<bool> members = Members(other.Pattern());
      const bool joins = random.Below(2) == 0;
      const auto result = joins ? CharSet::Union(set, other) : CharSet::Difference(set, other);
      if (!result) break;
      for (size_t i = 0; i < members.size(); ++i)
        expected[i] = joins ? expected[i] || members[i] : expected[i] && !members[i];
      set = *result;
      ++given;
      ASSERT_EQ(Members(set.Pattern()), expected) << set.Pattern();
      ASSERT_EQ(set.Complement().Complement(), set);
    }
  }
  EXPECT_GT(given, 100);
}

TEST(CharSet, FoldsAsciiLetters) {
  EXPECT_EQ(CharSet::Range('a', 'c').FoldedAscii(),
            *CharSet::Union(CharSet::Range('a', 'c'), CharSet::Range('A', 'C')));
  EXPECT_EQ(CharSet::Range('X', '_').FoldedAscii(),
            *CharSet::Union(CharSet::Range('X', '_'), CharSet::Range('x', 'z')));
}

}  // namespace
}  // namespace cromt::step
