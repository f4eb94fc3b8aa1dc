// Files that are made to cost much: each is refused with a place, soon and within 64 MB. What a person could have
// written by mistake is judged by the same rules.
#include <gtest/gtest.h>

#include <charconv>
#include <ctime>
#include <fstream>

#include "tests/unit/config/support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CROMT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CROMT_SANITIZED 1
#endif
#endif

namespace cromt {
namespace {

#ifdef CROMT_SANITIZED
constexpr bool kIsMeasured = false;  // a sanitizer takes many times as much of both
#else
constexpr bool kIsMeasured = true;
#endif
constexpr double kMaxSeconds = 3;  // of CPU; the promise is one on a machine that has nothing else to do
constexpr int64_t kMaxKiB = 64 << 10;

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

// `text` with each '#' as a number that counts up.
std::string Numbered(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) {
    std::string number = std::to_string(i);
    std::string_view rest = text;
    for (size_t at = rest.find('#'); at != rest.npos; at = rest.find('#')) {
      out.append(rest.substr(0, at)).append(number);
      rest.remove_prefix(at + 1);
    }
    out.append(rest);
  }
  return out;
}

double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// A number of /proc/self/status, in KiB.
int64_t StatusOf(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(name)) continue;
    size_t begin = line.find_first_of("0123456789");
    int64_t number = 0;
    std::from_chars(line.data() + begin, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

struct Hostile {
  const char* what;
  std::string text;
  const char* said;  // how its first error goes on after "f:"
};

void ExpectRefusedSoon(Hostile hostile) {
  SCOPED_TRACE(hostile.what);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak of memory counts anew
  int64_t before = StatusOf("VmRSS");
  double begin = CpuSeconds();
  JobFileReading reading = ReadJobFile(std::move(hostile.text), "f");
  if (kIsMeasured) {
    EXPECT_LT(CpuSeconds() - begin, kMaxSeconds);
    EXPECT_LT(StatusOf("VmHWM") - before, kMaxKiB);
  }
  ASSERT_FALSE(reading.file);
  std::string first = ToString(reading.diagnostics.at(0));
  EXPECT_TRUE(first.starts_with(hostile.said)) << first;
}

TEST(HostileText, NestingAndAliases) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string n = std::to_string(i);
    laughs += "a" + n + ": &a" + n + " [" + Repeat("*a" + std::to_string(i - 1) + ",", 10) + "]\n";
  }
  ExpectRefusedSoon({"a billion laughs", laughs, "f:7:38: error: its aliases expand to more than 10000000 values"});
  ExpectRefusedSoon({"an alias in itself", "a: &x [1, *x]\n", "f:1:11: error: an alias within what it names"});
  ExpectRefusedSoon({"100 deep", Repeat("[", 100) + Repeat("]", 100), "f:1:65: error: nested deeper than 64 levels"});
  for (const char* open : {"[", "{a: ", "- ", "? ", "[\n", "a:\n- "})
    ExpectRefusedSoon({open, Repeat(open, 1'000'000), "f:"});
  std::string steps;
  for (size_t i = 0; i < 3000; ++i) steps += std::string(i, ' ') + "a:\n";
  ExpectRefusedSoon({"ever deeper lines", steps, "f:65:65: error: nested deeper than 64 levels"});
}

TEST(HostileText, Size) {
  if (!kIsMeasured) GTEST_SKIP() << "it is about time and memory";
  constexpr const char* kLong = "f:1:1: error: a text is too long from here on, or there is too much white space";
  ExpectRefusedSoon({"a text of 15 MiB", "a: '" + std::string(15 << 20, 'x') + "'", kLong});
  ExpectRefusedSoon({"a key of 8 MiB", std::string(8 << 20, 'x') + ": b\n", kLong});
  ExpectRefusedSoon({"a tag of 8 MiB", "a: !" + std::string(8 << 20, 'x') + " b\n", kLong});
  ExpectRefusedSoon({"a comment of 15 MiB", std::string(15 << 20, '#'), kLong});
  ExpectRefusedSoon({"15 MiB of blanks", std::string(15 << 20, ' '), kLong});
  ExpectRefusedSoon({"15 MiB of lines", std::string(15 << 20, '\n'), kLong});
  ExpectRefusedSoon(
      {"a flow map of 10 MB", "{" + Repeat("a,", 5'000'000) + "}", "f:1:1: error: what begins here is too"});
  ExpectRefusedSoon({"15 MB of brackets", Repeat("[]", 7'000'000), "f:"});
  ExpectRefusedSoon({"colons", std::string(8 << 20, ':'), "f:"});
  ExpectRefusedSoon({"quotes", Repeat("\"\n", 4 << 20), "f:"});
  ExpectRefusedSoon({"17 MiB", std::string(17 << 20, 'x'), "f: error: the file is larger than 16 MiB"});
}

TEST(HostileText, Number) {
  if (!kIsMeasured) GTEST_SKIP() << "it is about time and memory";
  ExpectRefusedSoon(
      {"1.5 million keys", Numbered("k#:\n", 1'500'000), "f:300001:1: error: the file has more than 600000"});
  ExpectRefusedSoon(
      {"one key often", Repeat("a: 1\n", 295'000), "f:2:1: error: duplicate key 'a'; the first is at 1:1"});
  ExpectRefusedSoon({"unknown keys", "projects:\n  p:\n    run: x\n" + Numbered("    hots#: x\n", 295'000),
                     "f:4:5: error: unknown key 'hots0' in a project"});
  ExpectRefusedSoon({"unknown projects", "projects:\n" + Numbered("  p#: {run: x, before: [{name: q#}]}\n", 66'000),
                     "f:2:32: error: unknown project 'q0' in 'before'"});
  ExpectRefusedSoon({"a long cycle",
                     "projects:\n  p0: {run: x, before: [{name: p1}]}\n  p1: {run: x, before: [{name: p0}]}\n" +
                         Numbered("  q#: {run: x, before: [{name: p0}]}\n", 60'000),
                     "f:3:25: error: cycle: p0 → p1"});
  ExpectRefusedSoon({"anchors", Numbered("- &a# x\n", 20'000), "f:10001:3: error: more than 10000 anchors"});
  ExpectRefusedSoon({"tags", Numbered("- !a# x\n", 300'000), "f:1:3: error: tag '!a0' is not allowed"});
  ExpectRefusedSoon({"directives", Numbered("%TAG !a#! tag:x#:\n", 300'000) + "---\na: b\n", "f:"});
  ExpectRefusedSoon({"documents", Repeat("---\n", 1'000'000), "f:2:1: error: a second document"});
}

TEST(HostileText, Bytes) {
  std::string utf16;
  for (char c : std::string_view("projects: {}")) utf16 += {c, '\0'};
  ExpectRefusedSoon({"UTF-16", "\xFF\xFE" + utf16, "f:1:1: error: UTF-16; write UTF-8"});
  ExpectRefusedSoon({"UTF-16 unsaid", utf16, "f:1:2: error: control character 0x00"});
  ExpectRefusedSoon({"a byte that is no UTF-8", "projects: {p: {run: \"\x80\"}}", "f:1:22: error: not valid UTF-8"});
  ExpectRefusedSoon({"Latin-1",
                     "projects: {p: {run: x, title: Gr\xF6\xDF"
                     "e}}",
                     "f:1:33: error: not valid UTF-8"});
  ExpectRefusedSoon({"a lone carriage return", "a: b\rc: d", "f:1:5: error: control character 0x0d"});
}

TEST(HostileText, WhatYamlWouldInterpret) {
  ExpectRefusedSoon({"merge", "projects:\n  a: &a {run: x}\n  b:\n    <<: *a\n", "f:4:5: error: merge keys ('<<')"});
  ExpectRefusedSoon({"a tag that builds an object", "projects: !!python/object/apply:os.system [id]\n",
                     "f:1:11: error: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed"});
  ExpectRefusedSoon({"a date, an octal and a sexagesimal", "projects: {p: {run: x, retries: 0o17, timeout: 1:30}}",
                     "f:1:33: error: 'retries': '0o17' is not a whole number"});
  EXPECT_EQ(Said("projects: {yes: {run: x}, no: {run: x}, 1.10: {run: x}, null: {run: x}}"), "") << "names stay text";
  EXPECT_EQ(Said("projects: {on: {run: x}, \"on\": {run: x}}"),
            "f:1:26: error: duplicate key 'on'; the first is at 1:12\n");
}

}  // namespace
}  // namespace cromt
