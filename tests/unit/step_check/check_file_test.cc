// What a task.check may say, line by line, and what is refused before anything runs.
#include "agent/step/check/check_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace cromt::step {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string BoundaryText(const Boundary& boundary) {
  const auto* index = std::get_if<size_t>(&boundary);
  return index != nullptr ? fmt::format("line {}", *index) : std::get<std::string>(boundary);
}

constexpr std::array<std::string_view, 6> kLanguageNames = {"bash", "perl", "php", "python", "raku", "ruby"};

std::string CodeText(const CodeBlock& block) {
  return fmt::format("{}({})", kLanguageNames[static_cast<size_t>(block.language)], block.code);
}

// A rule as one line.
std::string TextOf(const Rule& rule) {
  const std::string form = std::visit(
      Overloaded{
          [](const TextRule& r) { return fmt::format("text({})", r.text); },
          [](const AnyLineRule&) { return std::string("any"); },
          [](const LineNumberRule& r) { return fmt::format("line({}, {})", r.index, r.text); },
          [](const RegexRule& r) {
            return fmt::format("{}{}regex({})", r.negated ? "not " : "", r.soft ? "soft " : "", r.pattern);
          },
          [](const SequenceRule&) { return std::string("begin"); },
          [](const RangeRule& r) { return fmt::format("between({}, {})", BoundaryText(r.from), BoundaryText(r.to)); },
          [](const WithinRule& r) { return fmt::format("within({})", BoundaryText(r.where)); },
          [](const EndRule&) { return std::string("end"); },
          [](const SourceRule& r) { return fmt::format("source({})", r.path); },
          [](const NoteRule& r) { return fmt::format("note({})", r.text); },
          [](const AssertRule& r) { return fmt::format("assert({}, {})", r.holds, r.text); },
          [](const CodeRule& r) { return "code " + CodeText(r.block); },
          [](const GeneratorRule& r) { return "generator " + CodeText(r.block); },
      },
      rule.form);
  return fmt::format("{}: {}", rule.line, form);
}

// The rules of `text`, one a line, or its error.
std::string Read(std::string_view text, CheckStart start = CheckStart::kAllLines) {
  auto file = ParseCheck("t/task.check", text, start);
  if (!file) {
    EXPECT_EQ(file.error().code, ErrorCode::kInvalid);
    return file.error().message;
  }
  std::string rules;
  for (const Rule& rule : file->rules) rules += (rules.empty() ? "" : "\n") + TextOf(rule);
  return rules;
}

struct Row {
  std::string_view text;
  std::string_view rules;
};

TEST(CheckFile, ReadsEveryLineThereIs) {
  for (const Row& row : std::vector<Row>{
           {"", ""},
           {"\n  \n# comment\n  # another\n", ""},
           {"Hello World", "1: text(Hello World)"},
           {"\n  Hello World  \r\n", "2: text(Hello World)"},
           {"hello # should match", "1: text(hello)"},
           {"C# is C", "1: text(C)"},  // as in Sparrow: a # anywhere
           {":any:", "1: any"},
           {" :any: # all", "1: any"},
           {":12:", "1: line(12, :12:)"},
           {":99999999999999999999999:", "1: line(18446744073709551615, :99999999999999999999999:)"},
           {": 1:", "1: text(: 1:)"},
           {"::", "1: text(::)"},
           {"regexp: \\d+ \"#\" # number", "1: regex(\\d+ \"#\")"},
           {"  !regexp:a", "1: not regex(a)"},
           {"~regexp: a", "1: soft regex(a)"},
           {"regexp : a", "1: text(regexp : a)"},
           {"note: a  b # c", "1: note(a  b )"},
           {"note:", "1: note()"},
           {"note: regexp: (", "1: note(regexp: ()"},
           {"begin:\nend:", "1: begin\n2: end"},
           {"begin: # block\n end: ", "1: begin\n2: end"},
           {"begin: x", "1: text(begin: x)"},
           {"between: {foo} {bar}", "1: between(foo, bar)"},
           {"between: { '<tr' .* '>' } { '</tr>' }  ", "1: between('<tr' .* '>', '</tr>')"},
           {"between: {'{'} {'}'}", "1: between('{', '}')"},
           {"between: {\"===\"}   { :5: }", "1: between(\"===\", line 5)"},
           {"between: { :1: } { :3: }", "1: between(line 1, line 3)"},
           {"within: \"A B\" # c", "1: within(\"A B\")"},
           {"within: :33:", "1: within(line 33)"},
           {"source: /tmp/a.txt # c", "1: source(/tmp/a.txt)"},
           {"source:", "1: text(source:)"},
           {"assert: 1 this holds", "1: assert(true, this holds)"},
           {"assert: true a\nassert: True b\nassert: 0 c\nassert: false  d\nassert: False e",
            "1: assert(true, a)\n2: assert(true, b)\n3: assert(false, c)\n4: assert(false, d)\n5: assert(false, e)"},
           {"assert: OK never works", "1: text(assert: OK never works)"},  // as in Sparrow
           {"assert: 10 x", "1: text(assert: 10 x)"},
           {"assert: 1", "1: text(assert: 1)"},
       })
    EXPECT_EQ(Read(row.text), row.rules) << row.text;
}

TEST(CheckFile, ReadsCode) {
  for (const Row& row : std::vector<Row>{
           {"code: print 1, 2", "1: code perl(print 1, 2)"},
           {"generator: print 1 << 2", "1: generator perl(print 1 << 2)"},
           {"code: <<EOF\n# kept\n\n  x\nEOF\nafter", "1: code perl(# kept\n\n  x\n)\n6: text(after)"},
           {"code:  << EOF\n!bash\nx\n  EOF  ", "1: code bash(\nx\n)"},  // the language's line stays, empty
           {"generator: <<A\n\n  !python  \nx\nA", "1: generator python(\n  \nx\n)"},
           {"code: <<A\n!perl\nA\ncode: <<B\n!ruby\nB", "1: code perl(\n)\n4: code ruby(\n)"},
           {"code: <<A\n!raku\nA\ncode: <<B\n!perl6\nB\ncode: <<C\n!php\nC",
            "1: code raku(\n)\n4: code raku(\n)\n7: code php(\n)"},
           {"code: <<A\nbegin:\nregexp: (\nA", "1: code perl(begin:\nregexp: (\n)"},
           {"code: <<A\nprint 1;\n!bash\nA", "1: code perl(print 1;\n!bash\n)"},
       })
    EXPECT_EQ(Read(row.text), row.rules) << row.text;
}

TEST(CheckFile, RefusesBeforeAnythingRuns) {
  for (const Row& row : std::vector<Row>{
           {"ok\nregexp: a-b", "t/task.check:2: regex, column 2: '-' must be quoted to match it: '-'"},
           {"begin:\nregexp: <before a>",
            "t/task.check:2: regex, column 1: '<before …>' is outside what cromt reads of Raku regexes"},
           {"!regexp:", "t/task.check:1: regex, column 1: a regex is missing here; .* matches anything"},
           {"within:", "t/task.check:1: regex, column 1: a regex is missing here; .* matches anything"},
           {"within: [", "t/task.check:1: regex, column 2: a regex is missing here; .* matches anything"},
           {"between: {a} {:9}",
            "t/task.check:1: regex, column 1: ':9' is outside what cromt reads of Raku regexes; "
            "quote it if it is text"},
           {"between: {a}", "t/task.check:1: 'between:' wants two regexes: between: { from } { to }"},
           {"between: {a}{b}", "t/task.check:1: 'between:' wants two regexes: between: { from } { to }"},
           {"between: a b", "t/task.check:1: 'between:' wants two regexes: between: { from } { to }"},
           {"between: {a} {b} c", "t/task.check:1: 'between:' wants two regexes: between: { from } { to }"},
           {"between: {} {b}", "t/task.check:1: regex, column 1: a regex is missing here; .* matches anything"},
           {"begin:\nbegin:",
            "t/task.check:2: 'begin:' inside of another begin:, between: or within:, which ends with 'end:'"},
           {"within: a\nbetween: {a} {b}",
            "t/task.check:2: 'between:' inside of another begin:, between: or within:, which ends with 'end:'"},
           {"between: {a} {b}\nwithin: :1:",
            "t/task.check:2: 'within:' inside of another begin:, between: or within:, which ends with 'end:'"},
           {"source: a b", "t/task.check:1: 'source:' wants one path without blanks"},
           {"code:", "t/task.check:1: 'code:' has no code: write it behind, or code: <<END, lines, END"},
           {"a\ncode: <<EOF\nx\nEOFF", "t/task.check:2: 'code:' has no end: a line with 'EOF' alone"},
           {"generator: cat <<EOF\nx\nEOF",
            "t/task.check:1: 'generator:' with '<<' in it: write generator: <<MARKER and nothing else on the line"},
           {"\ncode: <<EOF\n!powershell\nEOF",
            "t/task.check:2: code in 'powershell'; there are: !bash, !perl, !python, !ruby, !raku, !php"},
           {"\xC3", "t/task.check: not UTF-8 text"},
       })
    EXPECT_EQ(Read(row.text), row.rules) << row.text;
}

// A generator may print begin: and end:, so behind one nothing is known of what may stand there.
TEST(CheckFile, LeavesNestingBehindAGeneratorToTheRun) {
  EXPECT_EQ(Read("begin:\ngenerator: print 'end:'\nbegin:"), "1: begin\n2: generator perl(print 'end:')\n3: begin");
  EXPECT_EQ(Read("begin:\nwithin: a", CheckStart::kAnywhere), "1: begin\n2: within(a)");
  EXPECT_EQ(Read("begin:\nsource: x\nbegin:"), "1: begin\n2: source(x)\n3: begin");
}

TEST(CheckFile, BoundsSizeAndNumber) {
  std::string many;
  for (size_t i = 0; i < kMaxCheckRules; ++i) many += "a\n";
  EXPECT_TRUE(ParseCheck("f", many));
  EXPECT_EQ(Read(many + "a"), "t/task.check:10001: more than 10000 rules");
  EXPECT_EQ(Read(std::string(kMaxCheckBytes + 1, 'a')), "t/task.check: larger than 1024 KiB");
}

TEST(CheckFile, SurvivesMutilatedFiles) {
  const std::string whole =
      "note: a\nbegin:\nOK\nregexp: (\\d+) # x\n:1:\nend:\nbetween: {a} {'}'}\n!regexp: b\nend:\nwithin: c\n~regexp: "
      "d\n"
      "end:\ncode: <<EOF\n!bash\necho\nEOF\ngenerator: print 1\nassert: 1 x\nsource: f\n:any:\n";
  SeededRandom random(3);
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text = whole;
    for (uint64_t cuts = 1 + random.Below(3); cuts > 0; --cuts) {
      const size_t at = random.Below(text.size()), size = random.Below(12);
      const std::string piece = whole.substr(random.Below(whole.size()), random.Below(12));
      text.replace(at, size, random.Below(3) == 0 ? std::string(1, static_cast<char>(random.Next())) : piece);
      if (text.empty()) text = " ";
    }
    auto file = ParseCheck("f", text);
    if (file) continue;
    ++refused;
    ASSERT_TRUE(file.error().message.starts_with("f:")) << file.error().message;
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace cromt::step
