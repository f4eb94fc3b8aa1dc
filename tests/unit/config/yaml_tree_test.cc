// The checked tree: what it keeps byte for byte, and every way to be refused.
#include "io/yaml/yaml_tree.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

// The tree as text: {key: 'value', list: ['a', -]}.
std::string Show(YamlNode node) {
  std::string out;
  switch (node.kind()) {
    case YamlKind::kNull: return "-";
    case YamlKind::kText: return "'" + std::string(node.text()) + "'";
    case YamlKind::kList:
      for (YamlNode item = node.first(); item; item = item.next()) out += (out.empty() ? "" : ", ") + Show(item);
      return "[" + out + "]";
    case YamlKind::kMap:
      for (YamlNode key = node.first(); key; key = key.next().next())
        out += (out.empty() ? "" : ", ") + std::string(key.text()) + ": " + Show(key.next());
      return "{" + out + "}";
  }
  return out;
}

// The tree of `text` if all went well, else what was said.
std::string Read(const std::string& text) {
  Diagnostics diagnostics("f");
  auto tree = YamlTree::Read(text, diagnostics);
  if (diagnostics.ok()) return Show(tree->root());
  return ErrorText(diagnostics.Take());
}

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlTree, TextStaysText) {
  EXPECT_EQ(Read("Y: 1.10\nZ: true\nO: 0777\nE: 1e3\nS: 1:30"),
            "{Y: '1.10', Z: 'true', O: '0777', E: '1e3', S: '1:30'}");
  EXPECT_EQ(Read("Q: a\"b;echo X\nM: \"x\\ny\"\nL: |\n  one\n  two\n"),
            "{Q: 'a\"b;echo X', M: 'x\ny', L: 'one\ntwo\n'}");
  EXPECT_EQ(Read("a: ' it''s '\nb: \"\\u00e9\\t\"\nc: x\n  y"), "{a: ' it's ', b: 'é\t', c: 'x y'}");
}

TEST(YamlTree, NullIsNothingUnlessItIsAKeyOrQuoted) {
  EXPECT_EQ(Read("a:\nb: null\nc: ~\nd: 'null'\ne: ''"), "{a: -, b: -, c: -, d: 'null', e: ''}");
  EXPECT_EQ(Read("null: a\n~: b"), "{null: 'a', ~: 'b'}");
  EXPECT_EQ(Read("- \n- a"), "[-, 'a']");
}

TEST(YamlTree, AnEmptyTextHasANullRoot) {
  EXPECT_EQ(Read(""), "-");
  EXPECT_EQ(Read("# only a comment\n"), "-");
  EXPECT_EQ(Read("---\n...\n"), "-");
}

TEST(YamlTree, AByteOrderMarkAndWindowsLineEndsAreNoPartOfTheText) {
  EXPECT_EQ(Read("\xEF\xBB\xBF"
                 "a: b\r\nc: |\r\n  one\r\n  two\r\n"),
            "{a: 'b', c: 'one\ntwo\n'}");
}

TEST(YamlTree, PositionsCountBytesFromOneAndSurviveTextsBeforeThem) {
  Diagnostics diagnostics("f");
  auto tree = YamlTree::Read("# é\na: 'é'\nlist:\n  - {k: v}\n" + Repeat("# filler\n", 2000) + "z: end\n", diagnostics);
  ASSERT_TRUE(tree);
  YamlNode a = tree->root().first();
  EXPECT_EQ(a.at(), (Position{2, 1}));
  EXPECT_EQ(a.next().at(), (Position{2, 4}));
  YamlNode map = a.next().next().next().first();
  EXPECT_EQ(map.first().next().at(), (Position{4, 9}));
  EXPECT_EQ(a.next().next().next().next().at(), (Position{2005, 1}));
}

TEST(YamlTree, TheCoreTagsChangeNothing) {
  EXPECT_EQ(Read("a: !!str 1.10\nb: !!int 007\nc: ! x\nd: !!map {e: !!seq [f]}"),
            "{a: '1.10', b: '007', c: 'x', d: {e: ['f']}}");
}

TEST(YamlTree, OtherTagsAreRefused) {
  EXPECT_EQ(Read("a: 1\nb: !!python/object x"), "f:2:4: error: tag 'tag:yaml.org,2002:python/object' is not allowed");
  EXPECT_EQ(Read("a: !mine {}"), "f:1:4: error: tag '!mine' is not allowed");
  EXPECT_EQ(Read("%TAG ! tag:x,1:\n---\na: !y z"), "f:3:4: error: tag 'tag:x,1:y' is not allowed");
  EXPECT_EQ(Read("a: !!binary aGk="), "f:1:4: error: tag 'tag:yaml.org,2002:binary' is not allowed");
}

TEST(YamlTree, AnAliasIsWhatItNames) {
  EXPECT_EQ(Read("a: &x {k: v}\nb: *x\nc: [*x, &y t, *y]"), "{a: {k: 'v'}, b: {k: 'v'}, c: [{k: 'v'}, 't', 't']}");
  Diagnostics diagnostics("f");
  auto tree = YamlTree::Read("a: &x {k: v}\nb: *x", diagnostics);
  YamlNode a = tree->root().first().next();
  EXPECT_EQ(a.id(), a.next().next().id());
  EXPECT_EQ(a.next().next().at(), (Position{2, 4})) << "a position is where the alias stands";
}

TEST(YamlTree, AnAliasWithinWhatItNamesIsRefused) {
  EXPECT_EQ(Read("a: &x [1, *x]"), "f:1:11: error: an alias within what it names");
  EXPECT_EQ(Read("a: *x"),
            "f:1:4: error: no anchor ('&NAME') stands before this alias; text that begins with '*' must stand in "
            "quotes, as in '*/10 * * * *'");
}

TEST(YamlTree, DuplicateKeysAreEachReported) {
  EXPECT_EQ(Read("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2, d: 3}\nb: 4"),
            "f:3:1: error: duplicate key 'a'; the first is at 1:1\n"
            "f:4:11: error: duplicate key 'd'; the first is at 4:5\n"
            "f:4:17: error: duplicate key 'd'; the first is at 4:5\n"
            "f:5:1: error: duplicate key 'b'; the first is at 2:1");
}

TEST(YamlTree, ThePairsOfDuplicatesAreOutOfTheTree) {
  Diagnostics diagnostics("f");
  auto tree = YamlTree::Read("a: 1\na: 2\na: 3\nb: 4\nb: 5", diagnostics);
  ASSERT_TRUE(tree);
  EXPECT_EQ(Show(tree->root()), "{a: '1', b: '4'}");
  EXPECT_EQ(tree->root().size(), 2u);
}

TEST(YamlTree, KeysAreText) {
  EXPECT_EQ(Read("? [a]\n: b"), "f:1:3: error: a list or map as a key; a key must be text");
  EXPECT_EQ(Read("? {a: b}\n: c"), "f:1:3: error: a list or map as a key; a key must be text");
  EXPECT_EQ(Read("a: &x k\n*x : b"), "f:2:1: error: an alias as a key; a key must be text");
}

TEST(YamlTree, MergeKeysAreRefusedButAQuotedOneIsAKey) {
  EXPECT_EQ(Read("a: &x {k: v}\nb:\n  <<: *x"),
            "f:3:3: error: merge keys ('<<') are not supported; use an alias for the whole value, or repeat the keys");
  EXPECT_EQ(Read("'<<': a"), "{<<: 'a'}");
}

TEST(YamlTree, AFileHoldsOneDocument) {
  EXPECT_EQ(Read("a: b\n---\nc: d"), "f:2:1: error: a second document; a file holds one");
}

TEST(YamlTree, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(Read(std::string("a: b\nc: d\0e", 11)), "f:2:5: error: control character 0x00");
  EXPECT_EQ(Read("a: \x1b[1m"), "f:1:4: error: control character 0x1b");
  EXPECT_EQ(Read("a: b\rc: d"), "f:1:5: error: control character 0x0d");
  EXPECT_EQ(Read("a: x\nb: ok\xff"), "f:2:6: error: not valid UTF-8");
  EXPECT_EQ(Read("a: é\nb: \xed\xa0\x80"), "f:2:4: error: not valid UTF-8");
  EXPECT_EQ(Read(std::string("\xff\xfe"
                             "a\0:\0",
                             6)),
            "f:1:1: error: UTF-16; write UTF-8");
  EXPECT_EQ(Read("a: \"x\\0y\""), "f:1:4: error: a text with a NUL");
}

TEST(YamlTree, DepthIsBoundedInEveryWayToNest) {
  EXPECT_EQ(Read(Repeat("[", 64) + Repeat("]", 64)), Repeat("[", 64) + Repeat("]", 64));
  EXPECT_EQ(Read(Repeat("[", 65) + Repeat("]", 65)), "f:1:65: error: nested deeper than 64 levels");
  EXPECT_EQ(Read(Repeat("- ", 100) + "a"), "f:1:129: error: nested deeper than 64 levels");
  EXPECT_EQ(Read(Repeat("{a: ", 70) + Repeat("}", 70)), "f:1:257: error: nested deeper than 64 levels");
  std::string chain = "x0: &x0 [a]\n";
  for (int i = 1; i < 100; ++i)
    chain += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " [*x" + std::to_string(i - 1) + "]\n";
  EXPECT_EQ(Read(chain), "f:64:12: error: nested deeper than 64 levels through its aliases");
}

TEST(YamlTree, AMillionBracketsAreRefusedWithoutReadingThemAll) {
  for (const char* bracket : {"[", "{", "[\n", "- ", "? "}) {
    std::string said = Read(Repeat(bracket, 1'000'000));
    EXPECT_TRUE(said.starts_with("f:1:")) << bracket << said.substr(0, 100);
  }
}

TEST(YamlTree, BillionLaughsAreCountedNotTold) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i)
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            Repeat("*a" + std::to_string(i - 1) + ",", 10) + "]\n";
  EXPECT_EQ(Read(bomb), "f:7:38: error: its aliases expand to more than 10000000 values");
}

TEST(YamlTree, WhatIsTooMuchIsRefused) {
  EXPECT_EQ(Read(Repeat("- a\n", kMaxYamlNodes)), "f:600000:3: error: the file has more than 600000 values");
  EXPECT_EQ(Read("a: '" + std::string(kMaxYamlScalarBytes + 1, 'x') + "'"),
            "f:1:4: error: a text of 1048577 bytes; at most 1048576 are allowed");
  EXPECT_EQ(Read("a: '" + std::string(8 << 20, 'x') + "'"),
            "f:1:1: error: a text is too long from here on, or there is too much white space");
  EXPECT_EQ(Read("a: b\nc: d" + std::string(8 << 20, '\n')),
            "f:2:1: error: a text is too long from here on, or there is too much white space");
  EXPECT_EQ(Read("[" + Repeat("b,", 1'000'000) + "]"),
            "f:1:1: error: what begins here is too large for one '[…]' or '{…}'; write it in lines");
  EXPECT_EQ(Read(std::string(kMaxYamlBytes + 1, ' ')), "f: error: the file is larger than 16 MiB");
  std::string anchors;
  for (size_t i = 0; i <= kMaxYamlAnchors; ++i) anchors += "- &a" + std::to_string(i) + " x\n";
  EXPECT_EQ(Read(anchors), "f:10001:3: error: more than 10000 anchors");
}

TEST(YamlTree, ATextAtTheBoundAndManySmallMapsAreFine) {
  EXPECT_EQ(Read("a: '" + std::string(kMaxYamlScalarBytes, 'x') + "'").size(), kMaxYamlScalarBytes + 7);
  Diagnostics diagnostics("f");
  auto tree = YamlTree::Read(Repeat("- {id: h, url: 'http://h:4000'}\n", 100'000), diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << ErrorText(diagnostics.Take());
  EXPECT_EQ(tree->root().size(), 100'000u);
}

}  // namespace
}  // namespace cromt
