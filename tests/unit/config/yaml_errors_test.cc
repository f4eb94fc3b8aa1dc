// What is no YAML is answered in words that say what to write instead, at the place where it went wrong.
#include <gtest/gtest.h>

#include "io/yaml/yaml_tree.h"

namespace cromt {
namespace {

std::string Said(const std::string& text) {
  Diagnostics diagnostics("f");
  YamlTree::Read(text, diagnostics);
  return ErrorText(diagnostics.Take());
}

constexpr const char* kStar =
    "text that begins with '*' must stand in quotes, as in '*/10 * * * *'; without them it names an alias";
constexpr const char* kColon = "a ':' can't stand here; put text that holds ': ' in quotes, or check the indentation";

TEST(YamlErrors, AnUnclosedQuoteIsShownWhereItBegins) {
  EXPECT_EQ(Said("a: \"b"), "f:1:4: error: a quote that is never closed");
  EXPECT_EQ(Said("a: b\ntitle: 'it is\nc: d\ne: f\n"), "f:2:8: error: a quote that is never closed");
  EXPECT_EQ(Said("a: ['b', 'it''s', 'c\n]\n"), "f:1:19: error: a quote that is never closed");
  EXPECT_EQ(Said("a: it's # isn't\nb: \"x\\\"y\nc: d\n"), "f:2:4: error: a quote that is never closed");
  EXPECT_EQ(Said("a: b\nc: !!str &x 'd\n"), "f:2:13: error: a quote that is never closed");
  EXPECT_EQ(Said("'a: b\n"), "f:1:1: error: a quote that is never closed");
  EXPECT_EQ(Said("a: ['\n"), "f:1:5: error: a quote that is never closed");
  for (const char* good :
       {"a: it's 'x\n", "a: b # 'x\n", "a: |\n  'x\n", "a: 'x'\n", "a: \"'\"\n", "a: &x b'\n", "a: ''\n"})
    EXPECT_EQ(Said(good), "") << good;
}

TEST(YamlErrors, AnUnclosedBracketIsShownWhereItBegins) {
  EXPECT_EQ(Said("a: b\nc: [d"), "f:2:4: error: '[' is not closed by ']', or a ',' is missing in between");
  EXPECT_EQ(Said("a: {b: c\nd: e\n"), "f:1:4: error: '{' is not closed by '}', or a ',' is missing in between");
  EXPECT_EQ(Said("a: [b, {c: d]\n"),
            "f:1:13: error: this bracket does not close what is open here; put text that begins with it in quotes");
  EXPECT_EQ(Said("a: [b, \"]\", c # ]\n"), "f:1:4: error: '[' is not closed by ']', or a ',' is missing in between");
}

TEST(YamlErrors, WhatNeedsQuotesIsToldSo) {
  EXPECT_EQ(Said("crontab: * * * * *\n"), std::string("f:1:11: error: ") + kStar);
  EXPECT_EQ(
      Said("crontab: */10 * * * *\n"),
      "f:1:10: error: no anchor ('&NAME') stands before this alias; text that begins with '*' must stand in quotes, "
      "as in '*/10 * * * *'");
  EXPECT_EQ(Said("a: @daily\n"), "f:1:4: error: text can't begin with '@'; put it in quotes");
  EXPECT_EQ(Said("a: `date`\n"), "f:1:4: error: text can't begin with '`'; put it in quotes");
  EXPECT_EQ(Said("a: %x\n"), "f:1:4: error: text can't begin with '%'; put it in quotes");
  EXPECT_EQ(Said("title: one: two\n"), std::string("f:1:11: error: ") + kColon);
  EXPECT_EQ(Said("a: & b\n").substr(14),
            "text that begins with '&' must stand in quotes; without them it names an anchor");
}

TEST(YamlErrors, IndentationAndListsAreExplained) {
  EXPECT_EQ(Said("a: b\n  c: d\n"), std::string("f:2:4: error: ") + kColon);
  EXPECT_EQ(Said("a:\n  b: c\n d: e\n"),
            "f:3:2: error: this does not fit what it stands in; check its indentation, and quotes before it");
  EXPECT_EQ(Said("a:\n\tb: c\n"), "f:2:1: error: a tab in the indentation; use spaces");
  EXPECT_EQ(Said("a: - b\n"),
            "f:1:4: error: a list can't begin here; write its first '- ' on a line of its own, below its key");
  EXPECT_EQ(Said("a: b]\nc: ]\n"),
            "f:2:4: error: this bracket does not close what is open here; put text that begins with it in quotes");
}

TEST(YamlErrors, EscapesTagsAndDirectives) {
  EXPECT_EQ(Said("a: \"C:\\dir\"\n"),
            "f:1:9: error: an escape that double quotes don't know; write '\\\\' for '\\', or use single quotes");
  EXPECT_EQ(Said("a: \"\\xZZ\"\n").substr(6),
            " error: an escape of double quotes needs hexadecimal digits: \\x41, \\u00e9");
  EXPECT_EQ(Said("a: \"\\ud800\"\n").substr(7), " error: an escape of double quotes that is no character of Unicode");
  EXPECT_EQ(Said("%YAML\n---\na: b\n").substr(6),
            " error: a line that begins with '%' is a directive; only '%YAML 1.2' is useful here");
  EXPECT_EQ(Said("a: &x &y z\n").substr(6), " error: two anchors for one value");
}

TEST(YamlErrors, NoneIsInTheWordsOfTheLibrary) {
  for (const char* text : {"a: b: c",  "[",        "{",           "}",   "- a\nb", "a\nb: c",       "? [",
                           "a: |x\n",  "a: !<x",   "a: !x!y z",   "&",   "*",      "%TAG x\n---\n", "a: \"\n---\n\"",
                           "{a: b, c", "a: 'b' c", "- - a\n - b", ": :", "? ? a",  "a: |0\n b"}) {
    std::string said = Said(text);
    for (const char* theirs : {"illegal", "not found", "unknown token", "end of", "bad ", "not YAML", "can't be read"})
      EXPECT_EQ(said.find(theirs), std::string::npos) << text << "\n" << said;
  }
}

}  // namespace
}  // namespace cromt
