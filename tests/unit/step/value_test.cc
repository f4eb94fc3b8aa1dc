// How tasks of each language see parameters.
#include "agent/step/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/step/os_name.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Value Text(std::string text) {
  return {std::move(text)};
}
Value Number(int64_t number) {
  return {number};
}

TEST(Value, ShellSeesListsAndMapsAsText) {
  Value list{List{Text("x"), Number(2), Text("z")}};
  EXPECT_EQ(ShellText(list), "(x 2 z)");
  EXPECT_EQ(ShellText({Map{{"b", Number(2)}, {"a", list}}}), "{a => (x 2 z), b => 2}");
  EXPECT_EQ(ShellText({}), "");
}

TEST(Value, JsonKeepsEveryByte) {
  Map map = {{"q\"\\", Text("\n\x01 ü \xFF")}, {"n", Number(-5)}, {"none", {}}};
  map.push_back({"l", Value{List{Value{Map{}}, Value{List{}}}}});
  EXPECT_EQ(JsonText(map), "{\"q\\\"\\\\\":\"\\u000a\\u0001 ü \xFF\",\"n\":-5,\"none\":null,\"l\":[{},[]]}");
}

TEST(Value, DotsDescendAndAKeyWithADotCanNotBeNamed) {
  Map map = {{"a", {Map{{"b", {Map{{"c", Number(1)}}}}}}}, {"a.b.c", Text("hidden")}};
  EXPECT_THAT(DottedPaths(map), ElementsAre(Pair("a", "{b => {c => 1}}"), Pair("a.b", "{c => 1}"), Pair("a.b.c", "1")));
}

TEST(Value, ArgsBecomeCommandLineWords) {
  Map map = {{"args",
              {List{Text("x"),
                    Number(1),
                    {List{Text("verbose"), Text("-v")}},
                    {Map{{"name", Text("n")}, {"-k", Text("v")}, {"eq", Text("=1")}}}}}},
             {"other", {List{Text("x")}}}};
  JoinArgs(map);
  EXPECT_EQ(ShellText(map[0].value), "x 1 --verbose -v --name n -k v --eq=1");
  EXPECT_EQ(ShellText(map[1].value), "(x)");
}

TEST(Value, FlagsAndFractionsAreThoseOfRaku) {
  Map map = {{"t", {true}}, {"f", {false}}, {"x", {1.5}}, {"l", {List{{true}, {0.25}}}}};
  EXPECT_EQ(JsonText(map), R"({"t":true,"f":false,"x":1.5,"l":[true,0.25]})");
  EXPECT_EQ(ShellText({map}), "{f => False, l => (True 0.25), t => True, x => 1.5}");
}

TEST(Value, MapsMergeAllTheWayDownAndListsAreReplaced) {
  const Map base = {{"a", {Map{{"x", Number(1)}, {"l", {List{Number(1)}}}}}}, {"b", Text("b")}, {"c", {Map{}}}};
  const Map over = {{"a", {Map{{"l", {List{}}}, {"y", Number(2)}}}}, {"c", Text("c")}, {"d", {}}};
  EXPECT_EQ(JsonText(MergeMaps(base, over)), R"({"a":{"x":1,"l":[],"y":2},"b":"b","c":"c","d":null})");
}

TEST(OsName, IsSparrowsNameOfTheSystem) {
  EXPECT_EQ(OsNameFrom("PRETTY_NAME=\"Debian 12\"\nID=debian\nVERSION_ID=\"12\"\n"), "debian");
  EXPECT_EQ(OsNameFrom("ID=\"centos\"\nVERSION_ID=\"7.9\""), "centos7");
  EXPECT_EQ(OsNameFrom("ID=arch\n"), "archlinux");
  EXPECT_EQ(OsNameFrom("ID=\"amzn\"\n"), "amazon");
  EXPECT_EQ(OsNameFrom("ID_LIKE=debian\n"), "linux");
  EXPECT_EQ(OsNameFrom("ID=$(reboot)\n"), "linux");
}

}  // namespace
}  // namespace cromt::step
