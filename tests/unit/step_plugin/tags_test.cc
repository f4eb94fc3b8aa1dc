#include "agent/step/tags.h"

#include <gtest/gtest.h>

namespace cromt::step {
namespace {

std::string Parse(std::string_view text) {
  return JsonText(ParseTags(text, [](const std::string& name) {
    return name == "HOME" ? std::optional<std::string>("/h,.env[HOME]") : std::nullopt;
  }));
}

TEST(Tags, AreTextsAndFlags) {
  EXPECT_EQ(Parse("a=1,b,c=x y"), R"({"a":"1","b":true,"c":"x y"})");
  EXPECT_EQ(Parse("a="), R"({"a":""})");
  EXPECT_EQ(Parse(""), "{}");
  EXPECT_EQ(Parse(",,a,"), R"({"a":true})");
  EXPECT_EQ(Parse("a=1,a=2"), R"({"a":"2"})");
}

TEST(Tags, TheLastEqualSignOfTheFirstWordIsMeant) {
  EXPECT_EQ(Parse("a=b=c"), R"({"a=b":"c"})");
  EXPECT_EQ(Parse("a=x y=1"), R"({"a":"x y=1"})");
  EXPECT_EQ(Parse("x y=1"), R"({"y":"1"})");
  EXPECT_EQ(Parse("=1"), R"({"=1":true})");
}

TEST(Tags, EscapesAreDecodedOnce) {
  EXPECT_EQ(Parse("a=1___comma___2___space______eq______nl___"), R"({"a":"1,2 =\u000a"})");
  EXPECT_EQ(Parse("a=___comm___a___"), R"({"a":"___comm___a___"})");
}

TEST(Tags, VariablesAreFilledInOnce) {
  EXPECT_EQ(Parse("a=[.env[HOME]]"), R"({"a":"[/h,.env[HOME]]"})");
  EXPECT_EQ(Parse("a=.env[NOT_SET]."), R"({"a":"."})");
  EXPECT_EQ(Parse("a=.env[b c],b=.env["), R"({"a":".env[b c]","b":".env["})");
}

}  // namespace
}  // namespace cromt::step
