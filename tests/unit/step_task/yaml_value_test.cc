// The defaults of a task as values.
#include "agent/step/task/yaml_value.h"

#include <gtest/gtest.h>

namespace cromt::step {
namespace {

std::string Json(const std::string& yaml) {
  auto map = ParseYamlMap(yaml, "config.yaml");
  return map ? JsonText(*map) : map.error().message;
}

TEST(YamlValue, PlainScalarsMayBeMore) {
  EXPECT_EQ(Json("i: 80\nn: -7\np: +3\nf: 1.5\ne: 1e3\nt: true\nu: False\nz:\ny: ~\n"),
            R"({"i":80,"n":-7,"p":3,"f":1.5,"e":1000,"t":true,"u":false,"z":null,"y":null})");
}

TEST(YamlValue, WordsOfYaml11AreTruthValuesInAnyCase) {
  EXPECT_EQ(Json("a: yes\nb: Y\nc: ON\nd: no\ne: n\nf: oFF\ng: [y, 'y', yesterday, none]\n"),
            R"({"a":true,"b":true,"c":true,"d":false,"e":false,"f":false,"g":[true,"y","yesterday","none"]})");
}

TEST(YamlValue, NumbersHaveOtherForms) {
  EXPECT_EQ(Json("a: 0x1F\nb: 0o17\nc: 1.10\nd: 1.50E3\ne: -0.5\nf: 0\n"),
            R"({"a":31,"b":15,"c":1.1,"d":1500,"e":-0.5,"f":0})");
}

TEST(YamlValue, EverythingElseIsText) {
  EXPECT_EQ(Json("a: '80'\nb: \"true\"\nd: 1.2.3\ne: 0x\ng: |\n  80\nh: 12:30\n"),
            R"({"a":"80","b":"true","d":"1.2.3","e":"0x","g":"80\u000a","h":"12:30"})");
  for (const std::string text : {"007", "00", ".5", "5.", "1_000", "+", "+-4", "--4", "1e", "1e+", "e3", "0x-1", "0b1",
                                 "2020-01-02", "99999999999999999999", "1.5.", "inf", "nan"})
    EXPECT_EQ(Json("k: " + text + "\n"), "{\"k\":\"" + text + "\"}");
}

TEST(YamlValue, MapsAndListsLieInEachOther) {
  EXPECT_EQ(Json("a: {b: [1, {c: d}]}\n"), R"({"a":{"b":[1,{"c":"d"}]}})");
  EXPECT_EQ(Json("x: &x [1]\ny: *x\n"), R"({"x":[1],"y":[1]})");
}

TEST(YamlValue, NothingIsAnEmptyMap) {
  EXPECT_EQ(Json(""), "{}");
  EXPECT_EQ(Json("# only a comment\n"), "{}");
}

TEST(YamlValue, WhatIsWrongHasItsPlace) {
  EXPECT_EQ(Json("- a\n"), "config.yaml:1:1: error: a list where a map is meant");
  EXPECT_EQ(Json("a: 1\na: 2\n"), "config.yaml:2:1: error: duplicate key 'a'; the first is at 1:1");
  EXPECT_EQ(Json("a: 1\na: 2\na: 3\n"), "config.yaml:2:1: error: duplicate key 'a'; the first is at 1:1")
      << "a message is one line";
}

}  // namespace
}  // namespace cromt::step
