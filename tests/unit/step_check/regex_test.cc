// What Raku regexes match and capture. Every row was compared with rakudo 2022.12: Raku's comb over the line, and of
// each match its positional captures.
#include "agent/step/check/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the matches of `pattern` in `line` captured, as "[a|b]"; "no" without a match; the error of either.
std::string Try(std::string_view pattern, std::string_view line) {
  auto regex = Regex::Compile(pattern);
  if (!regex) return regex.error().message;
  std::vector<std::string_view> captured;
  auto matches = regex->Collect(line, captured);
  if (!matches) return matches.error().message;
  EXPECT_EQ(*matches, *regex->Matches(line)) << pattern;
  return *matches ? fmt::format("[{}]", fmt::join(captured, "|")) : "no";
}

struct Row {
  std::string_view pattern;
  std::string_view line;
  std::string_view captured;
};

void ExpectAll(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(Try(row.pattern, row.line), row.captured) << row.pattern << " on " << row.line;
}

TEST(Regex, ReadsWhatTaskChecksHold) {
  ExpectAll({
      {R"(\d\d\d\d "-" \d\d "-" \d\d)", "born 1977-04-16", "[]"},
      {R"('Name:' \s+ \w+)", "Name:  Sparrow6", "[]"},
      {R"((\d+) \s+ '-' \s+ for \s+ (\w+))", "1 - for one", "[1|one]"},
      {R"(^^ \s* "net.ipv4.ip_forward" \s* "=" \s* 0 \s* $$)", " net.ipv4.ip_forward = 0", "[]"},
      {R"(^^ "kernel.sysrq" \s* "=" \s* 1 $$)", "kernel.sysrq=11", "no"},
      {"with \\s+  ( this || that )", "go with that", "[that]"},
      {R"('<td>' (\S+) '</td>')", " <td>one</td>", "[one]"},
      {R"(^^ (.*) \@ <[ a .. z 0 .. 9 \- ]>+ \s* $$)", "me@here-1", "[me]"},
      {"^^ A (\\S+) A $$", "ABCDCBA", "[BCDCB]"},
      {"host:(.*)", "host: foo", "[: foo]"},
      {"Colors:", "Colors", "[]"},
      {R"(My\s+name\s+is\s+\S+)", "My name is X", "[]"},
  });
}

TEST(Regex, IgnoresBlanksAndTakesQuotesLiterally) {
  ExpectAll({
      {"f o +", "fooo", "[]"},
      {"'fo'+ $", "fofo", "[]"},
      {R"('a\'b\\c\d')", R"(a'b\c\d)", "[]"},
      {R"("a\"\$\.\t")", "a\"$.\t", "[]"},
      {R"("50%" || "me@b.c" || "a & b $ ")", "a & b $ ", "[]"},
      {R"(\x41 \x[e9])", "Aé", "[]"},
      {R"(\-\+\"\#)", "-+\"#", "[]"},
      {"\"#\" # what follows is a comment", "a#b", "[]"},
      {"größe_1", "größe_1", "[]"},
  });
  EXPECT_EQ(Regex::Compile(R"(  \d+ "#"  # a number )")->text(), "  \\d+ \"#\"");
}

TEST(Regex, Repeats) {
  ExpectAll({
      {"^ a ** 2 $", "aa", "[]"},
      {"^ a**2..3 $", "aaaa", "no"},
      {"^ a ** 2..* $", "aaaa", "[]"},
      {"(a **? 1..2)", "aaa", "[a|a|a]"},
      {"(a+?)", "aa", "[a|a]"},
      {"(x?\?)", "x", "[|]"},
      {"a ** 0 b", "b", "[]"},
      {"(\\w+ % ',')", "a,b,c", "[a,b,c]"},
      {"(\\w ** 2 % ',')", "a,b,c", "[a,b]"},
      {"^ \\d* % ',' $", "", "[]"},
      {"(\\w+ %% ',')", "a,b,", "[a,b,]"},
      {"^ \\d ** 0..1 % ',' $", "1,2", "no"},
  });
}

TEST(Regex, CollectsCapturesAsRakuNumbersThem) {
  ExpectAll({
      {"(\\d)", "a1b22", "[1|2|2]"},
      {"(\\w)(\\d)", "a1b22", "[a|1|b|2]"},
      {"((h) (e))", "he", "[he]"},           // only the outer one counts
      {"(a(b)+)", "abb", "[abb]"},           // and may hold a repeated one
      {"(x)?(\\d)", "a1", "[|1]"},           // one that took no part is empty before one that did
      {"(f)?", "foo", "[f]"},                // and not there behind all that did
      {"[(x)||(\\d)] (\\d)?", "a1", "[1]"},  // branches share numbers
      {"(f)|(o)", "foo", "[f|o|o]"},
      {"(x*)", "foo", "[|||]"},
      {"(o*)", "foo", "[|oo|]"},
      {"(\\w*)", "a,b", "[a||b|]"},
      {"(.?)", "ab", "[a|b|]"},
      {"(é?)", "éa", "[é||]"},
  });
}

TEST(Regex, TakesTheLongestBranchOfABarAndTheFirstOfTwo) {
  ExpectAll({
      {"(foo|foobar)", "foobar", "[foobar]"},
      {"(foo||foobar)", "foobar", "[foo]"},
      {"[f|foo] (.)", "foobar", "[b]"},
      {"[(a) b | (a) bc] (.*)", "abcd", "[a|d]"},
      {"(red | green\\d | blue)", "green1", "[green1]"},
      {"o* | fo\\w | foobar", "foobar", "[]"},  // without captures order says nothing
      {"| f", "foo", "[]"},
      {"|| (a) || (b)", "b", "[b]"},
      {"(a || b | bc) (c?)", "bc", "[bc|]"},  // | binds tighter
  });
}

TEST(Regex, KnowsItsClasses) {
  ExpectAll({
      {"^ <[a..c]>+ $", "abc", "[]"},
      {"<[ a .. c \\- ]> ** 3", "a-c", "[]"},
      {"<-[a..z]>", "abc", "no"},
      {"<-[a..z]>", "aéc", "[]"},
      {"(<[a..z]-[aeiou]>+)", "xyeab", "[xy|b]"},
      {"(<[a..z] - [f] + [0]>+)", "f0o", "[0o]"},
      {"(<+alpha -[o]>+)", "foo_é", "[f|_é]"},
      {"(<:Lu>)(<:Nd>)", "É٣", "[É|٣]"},
      {"<:!L>", "aé", "no"},
      {"(<alpha>+) (<digit>+)", "x_1", "[x_|1]"},
      {"<upper> <lower> <punct> <xdigit> <space> <blank>", "Aa.f  ", "[]"},
      {"<[\\]\\\\]>", "]", "[]"},
      {"<[.]>", "ab", "no"},
      {"<[\"a'#]>+ $", "#", "[]"},
      {"<[\\d\\h]>+ $", "1 \t2", "[]"},
      {"(<[\\x[3b1]..\\x[3c9]]>)", "λ", "[λ]"},
      {"(\\w+)", "naïve_1 ٣ — x", "[naïve_1|٣|x]"},
      {"^ \\s $", "\xE2\x80\x83", "[]"},  // EM SPACE
      {"^ \\h $", "\xE1\xA0\x8E", "[]"},  // MONGOLIAN VOWEL SEPARATOR
      {"^ \\s $", "\xE1\xA0\x8E", "no"},
      {"^ \\v $", "\xE2\x80\xA8", "[]"},  // LINE SEPARATOR
      {"^ \\H $", "\xE1\xA0\x8E", "no"},
  });
}

TEST(Regex, IgnoresCase) {
  ExpectAll({
      {":i abc", "ABC", "[]"},
      {"x :i abc", "XABC", "no"},
      {"[:i a] b", "AB", "no"},
      {"[:i a] b", "Ab", "[]"},
      {":i <[a..c]>+ $", "ABC", "[]"},
      {":i <-[x]> \\d", "X1", "no"},
      {":i <upper>", "x", "no"},
      {":i σας", "ΣΑΣ", "[]"},
  });
}

TEST(Regex, KnowsTheEdgesOfWordsInAnyScript) {
  ExpectAll({
      {"<< bar >>", "foo.bar", "[]"},
      {"« foo »", "foo bar", "[]"},
      {"<< oo", "foo", "no"},
      {"(\\w+ >>)", "caféx", "[caféx]"},
      {"(<< \\w+ >>)", "café x", "[café|x]"},
      {"é <<", "éx", "no"},
      {"<|w> foo", "foobar", "[]"},
      {"foo <!|w> b", "foobar", "[]"},
      {"a <!ww> b", "ab", "no"},
      {"x <?ww> y", "xy", "[]"},
      {"(>>)", "foo bar", "[|]"},
      {">> << x", "x", "no"},
      {"\\w >> $$ $ >>", "ab", "[]"},
      {"^ ^^ << << (a)", "a b", "[a]"},
      {"[<< \\w+ >> \\s*]+ $", "a bc d", "[]"},
      {"(<ident>)", "1a foo", "[a|foo]"},
      {"<ident> r", "foobar", "no"},  // takes all or nothing
      {"foo <ws> bar", "foobar", "no"},
      {"foo <ws> bar", "foo  bar", "[]"},
      {"foo <ws> \\s bar", "foo  bar", "no"},
  });
}

TEST(Regex, KnowsTheEdgesOfLinesInALine) {
  ExpectAll({
      {"^^ done $$", "10%\rdone", "[]"},
      {"^ done", "10%\rdone", "no"},
      {"a $$", "a\fb", "[]"},
      {"^^ b",
       "a\xC2\x85"
       "b",
       "[]"},
      {"\\n ^^", "a\r", "no"},
      {"\\n $$", "a\r", "no"},
      {"^^ $$", "", "[]"},
      {"(^^ \\w)", "a\rb", "[a|b]"},
      {"a . b", "a\rb", "[]"},
      {"a \\N b", "a\rb", "no"},
  });
}

TEST(Regex, IsLinearInWhatOtherEnginesChokeOn) {
  const auto started = std::chrono::steady_clock::now();
  const std::string line(1 << 20, 'a');
  for (std::string_view pattern : {"[a*]* b", "[a+]+ b", "^ [a||a]* $ b", "[a || aa]+ $ b", "a*a*a*a*a*a*a*a* b"})
    EXPECT_EQ(Try(pattern, line), "no") << pattern;
  EXPECT_EQ(Try(". ** 500 b", line.substr(0, 20'000)), "no");
  EXPECT_EQ(Try("[ << a+ \\s* ]+ b", line), "no");
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(30));
}

TEST(Regex, GivesUpOnALineWithTooManyMatches) {
  EXPECT_EQ(Try("(a)", std::string(1 << 20, 'a')), "too many matches in one long line");
  EXPECT_EQ(Try("<< a", std::string(kMaxLineBytes, ' ')),
            "a line too long for a regex with boundaries of words or lines");
}

}  // namespace
}  // namespace cromt::step
