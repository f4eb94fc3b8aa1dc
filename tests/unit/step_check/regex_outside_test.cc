// What of Raku regexes is refused, with its place and with what to write instead; what is wrong in itself; bounds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/step/check/regex.h"
#include "agent/step/check/regex_parser.h"
#include "base/random.h"

namespace cromt::step {
namespace {

std::string ErrorOf(std::string_view pattern) {
  auto regex = Regex::Compile(pattern);
  if (regex) return "accepted";
  EXPECT_EQ(regex.error().code, ErrorCode::kInvalid);
  return regex.error().message;
}

std::string Outside(int column, std::string_view construct, std::string_view instead = "") {
  return fmt::format("regex, column {}: {} is outside what cromt reads of Raku regexes{}{}", column, construct,
                     instead.empty() ? "" : "; ", instead);
}

struct Row {
  std::string_view pattern;
  std::string message;
};

TEST(RegexOutside, NamesEveryConstruct) {
  for (const auto& [pattern, message] : std::vector<Row>{
           {"a <before b>", Outside(3, "'<before …>'")},
           {"<?before a>", Outside(1, "'<?before …>'")},
           {"<!before \\\\> (\\\")", Outside(1, "'<!before …>'")},
           {"é <after b>", Outside(3, "'<after …>'")},  // columns count characters
           {"<?after a>", Outside(1, "'<?after …>'")},
           {"<!after a>", Outside(1, "'<!after …>'")},
           {"<?>", Outside(1, "'<?…>'")},
           {"<!alpha>", Outside(1, "'<!…>'")},
           {"a <( b", Outside(3, "'<(' (a part of the match)", "put ( ) around what you want to have")},
           {"<{ 'a' }>", Outside(1, "'<{ … }>' (code)", "print the regex in a generator:")},
           {"<$x>", Outside(1, "'<$…>' (a variable)", "print the regex in a generator:")},
           {"<@x>", Outside(1, "'<@…>' (a variable)", "print the regex in a generator:")},
           {"<&x>", Outside(1, "'<&…>'")},
           {"< a b >", Outside(1, "'< … >' (a list of words)", "write [ a | b ]")},
           {"<~~>", Outside(1, "'<~~>'")},
           {"<>", Outside(1, "'<>'")},
           {"a {1,2}", Outside(3, "'{ … }' (code)", "quote a brace: '{'")},
           {"@x", Outside(1, "a variable (@…)", "quote it to match it: '@'")},
           {"a & b", Outside(3, "'&'", "quote it to match it: '&'")},
           {"'(' ~ ')' a", Outside(5, "'~' (from … to)", "quote it to match it: '~'")},
           {"“a”", Outside(1, "a curly quote", "write \"…\"")},
           {"‘a’", Outside(1, "a curly quote", "write '…'")},
           {"$x", Outside(1, "a variable ('$x')", "quote a dollar: '$'; put a blank after the $ of an end")},
           {"(a)$0", Outside(4, "a variable ('$0')", "quote a dollar: '$'; put a blank after the $ of an end")},
           {"$<n>=(a)", Outside(1, "a variable ('$<')", "quote a dollar: '$'; put a blank after the $ of an end")},
           {":s a b", Outside(1, "':s'", "write \\s+ where blanks are")},
           {":r a", Outside(1, "':r'", "quote it if it is text")},
           {"a:b", Outside(2, "':b'", "quote it if it is text")},
           {"a::b", Outside(2, "'::'", "quote it to match it: '::'")},
           {"(a):", Outside(1, "':' after a bracket", "quote it to match it: ':'")},
           {"a+: b", Outside(3, "':' after a quantifier")},
           {"a*! b", Outside(3, "'!' after a quantifier")},
           {"a ** x", Outside(3, "'**' without a number", "write ** 2, ** 2..4 or ** 2..*")},
           {"a+ % b+", Outside(6, "a repeated separator", "put [ ] around it")},
           {"(a)+", Outside(1, "a repeated capture", "put the repetition inside: ( [ … ]+ )")},
           {"x [(a) b] ** 2", Outside(3, "a repeated capture", "put the repetition inside: ( [ … ]+ )")},
           {"a+ % (b)", Outside(1, "a repeated capture", "put the repetition inside: ( [ … ]+ )")},
           {"(o* | foo)",
            Outside(2, "'|' (longest first) where it decides on captures", "write '||', the better one first")},
           {"a\\b", Outside(2, "'\\b'", "write << and >> for the start and the end of a word")},
           {"\\B", Outside(1, "'\\B'", "write <!|w>")},
           {"\\Aa", Outside(1, "'\\A'", "write ^")},
           {"a\\Z", Outside(2, "'\\Z'", "write $")},
           {"\\c[BELL]", Outside(1, "'\\c'", "write the character itself or \\x[…]")},
           {"\\_", Outside(1, "'\\_'")},
           {"\"\\d\"", Outside(2, "'\\d' between double quotes",
                               "write it outside of the quotes, or '\\d' between single quotes")},
           {"\"a$x\"", Outside(3, "'$' between double quotes (a variable)", "write it between single quotes")},
           {"\"{ a }\"", Outside(2, "'{' between double quotes (code)", "write it between single quotes")},
           {"\"%h<a>\"", Outside(2, "'%' between double quotes (a variable)", "write it between single quotes")},
           {"<foo>", Outside(2, "the class 'foo'")},
           {"<:Letter>", Outside(3, "the property 'Letter'", "write a general category as :Lu")},
           {"<alpha-[o]>",
            Outside(2, "a class that begins with a name and goes on", "begin it with a plus: <+alpha …>")},
           {":i <[а..я]>", Outside(6, "a class of letters beyond a..z under :i", "write both cases")},
           {":i ß", Outside(4, "'ß' under :i", "write both forms, with ||")},
           {"<+alpha - [λ] + digit>",
            Outside(15, "a class that takes characters from one set of letters and adds another",
                    "write it as [ <…> || <…> ]")},
       })
    EXPECT_EQ(ErrorOf(pattern), message) << pattern;
}

TEST(RegexOutside, SaysWhatIsWrong) {
  for (const auto& [pattern, message] : std::vector<Row>{
           {"", "regex, column 1: a regex is missing here; .* matches anything"},
           {"a | ", "regex, column 4: a regex is missing here; .* matches anything"},
           {"()", "regex, column 2: a regex is missing here; .* matches anything"},
           {"date: (\\d)-(\\d)", "regex, column 11: '-' must be quoted to match it: '-'"},
           {"a/b", "regex, column 2: '/' must be quoted to match it: '/'"},
           {"a > b", "regex, column 3: '>' must be quoted to match it: '>'"},
           {"a #`(b) c", "regex, column 3: '#' must be quoted to match it: '#'"},
           {": a", "regex, column 1: ':' must be quoted to match it: ':'"},
           {"→", "regex, column 1: '→' must be quoted to match it: '→'"},
           {"*a", "regex, column 1: '*' has nothing before it to repeat; quote it to match it: '*'"},
           {"a++", "regex, column 3: '+' has nothing before it to repeat; quote it to match it: '+'"},
           {"a % b", "regex, column 3: '%' has nothing before it to repeat; quote it to match it: '%'"},
           {"^^*", "regex, column 1: an assertion can't be repeated"},
           {"(a", "regex, column 1: '(' has no closing ')'"},
           {"[a # b ]", "regex, column 1: '[' has no closing ']'"},
           {"a)", "regex, column 2: ')' closes nothing; quote it to match it: ')'"},
           {"<[a", "regex, column 2: '[' of a class has no closing ']'"},
           {"<[a]", "regex, column 2: '<' has no closing '>'"},
           {"<[a-z]>", "regex, column 4: '-' inside a class: write a range as a..z, and a minus as \\-"},
           {"<[z..a]>", "regex, column 3: a range goes from the lower to the higher character"},
           {"<[a..\\d]>", "regex, column 3: a range ends with a character"},
           {"<[a]c]>", "regex, column 5: '+' or '-' is missing between two parts of a class"},
           {"'a", "regex, column 1: a quote is not closed; write \\' or \\\" to match one"},
           {"''", "regex, column 1: an empty quote matches nothing in particular"},
           {"a\\ b", "regex, column 2: a backslash before a blank means nothing in a Raku regex: write ' ' or \\s"},
           {"a\\", "regex, column 2: a backslash at the end stands for nothing"},
           {"\\xZZ", "regex, column 1: \\x wants the hexadecimal number of a character"},
           {"\\x[D800]", "regex, column 1: \\x wants the hexadecimal number of a character"},
           {"\\x[41,42]", "regex, column 1: \\x[ wants one hexadecimal number and a ]"},
           {"a ** 4..2", "regex, column 3: '**' wants the smaller number first"},
           {"a+ %", "regex, column 5: '%' wants what stands between the parts"},
           {"a\x01", "regex, column 1: holds a control character; write it as \\n, \\r or \\x[…]"},
           {"\xC3", "regex, column 1: not UTF-8 text"},
       })
    EXPECT_EQ(ErrorOf(pattern), message) << pattern;
}

std::string Nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') + "a" + std::string(static_cast<size_t>(depth), ']');
}

TEST(RegexOutside, BoundsNestingRepetitionAndSize) {
  EXPECT_EQ(ErrorOf(Nested(kMaxRegexNesting)), "accepted");
  EXPECT_EQ(ErrorOf(Nested(kMaxRegexNesting + 1)), "regex, column 33: brackets are nested more than 32 deep");
  EXPECT_EQ(ErrorOf(Nested(2000)), "regex, column 33: brackets are nested more than 32 deep");
  EXPECT_EQ(ErrorOf("a ** 1000"), "accepted");
  EXPECT_EQ(ErrorOf("a ** 1001"), "regex, column 3: '**' repeats 1000 times at most");
  EXPECT_EQ(ErrorOf("a ** 99999999999999999999"), "regex, column 3: '**' repeats 1000 times at most");
  EXPECT_EQ(ErrorOf("[[a ** 1000] ** 1000] ** 1000"),
            "regex, column 1: the regex is too large: repeat less, or split it");
  EXPECT_EQ(ErrorOf("\\w ** 1000"), "regex, column 1: the regex is too large: repeat less, or split it");
  EXPECT_EQ(ErrorOf(std::string(kMaxRegexBytes, 'a')), "accepted");
  EXPECT_EQ(ErrorOf(std::string(kMaxRegexBytes + 1, 'a')), "regex, column 1: a regex is 4096 bytes long at most");
  std::string doubled = "a";
  for (int i = 0; i < 30; ++i) doubled = "[" + doubled + "+ % b]";  // each level writes the one below twice
  EXPECT_EQ(ErrorOf(doubled), "regex, column 1: the regex is too large");
  EXPECT_EQ(ErrorOf("[<< a?]*"), "regex, column 1: more than 16 assertions may meet at one place");
  EXPECT_EQ(ErrorOf("[[[[<< a]+]+]+]+"), "accepted");
}

// Cuts, doubles and exchanges pieces of regexes: each result is compiled or refused with a place, under the sanitizers
// without a finding.
TEST(RegexOutside, SurvivesMutilatedRegexes) {
  const std::string whole =
      R"(^^ (\d+ % ',') [:i 'a' || "b\t" | <[a..z\-] - [é]>+?] ** 2..4 << <ident> <!|w> >> <:Lu>* % [ \h ] <ws> $$ # end)";
  SeededRandom random(11);
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text = whole;
    for (uint64_t cuts = 1 + random.Below(3); cuts > 0; --cuts) {
      const size_t at = random.Below(text.size()), size = random.Below(10);
      const std::string piece = whole.substr(random.Below(whole.size()), random.Below(10));
      text.replace(at, size, random.Below(3) == 0 ? std::string(1, static_cast<char>(random.Next())) : piece);
      if (text.empty()) text = " ";
    }
    auto regex = Regex::Compile(text);
    if (regex) {
      std::vector<std::string_view> captured;
      ASSERT_TRUE(regex->Collect("1,2 aB\r caféLU x", captured)) << text;
      continue;
    }
    ++refused;
    ASSERT_TRUE(regex.error().message.starts_with("regex, column ")) << regex.error().message;
  }
  EXPECT_GT(refused, 2'000);
}

}  // namespace
}  // namespace cromt::step
