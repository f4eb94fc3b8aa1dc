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

TEST(YamlValue, EverythingElseIsText) {
  EXPECT_EQ(Json("a: '80'\nb: \"true\"\nc: yes\nd: 1.2.3\ne: 0x10\nf: 99999999999999999999999\ng: |\n  80\nh: 12:30\n"),
            R"({"a":"80","b":"true","c":"yes","d":"1.2.3","e":"0x10","f":1e+23,"g":"80\u000a","h":"12:30"})");
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
