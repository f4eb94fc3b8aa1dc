// Configuration files: one expression.
#include "agent/step/scenario/config_file.h"

#include <gtest/gtest.h>

#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

std::string ConfigOf(std::string_view text) {
  FakeHost host;
  host.environment = {{"HOME", "/root"}};
  auto config = ParseConfig("c", text, host);
  return config ? JsonText(*config) : config.error().message;
}

TEST(ConfigFile, IsOneMap) {
  EXPECT_EQ(ConfigOf("{\n # default\n  foo => 'bar1',\n  name => \"John\",\n}\n"), R"({"foo":"bar1","name":"John"})");
  EXPECT_EQ(ConfigOf("%(\n  \"foo\" => \"bar\",\n  \"id\" => 1000,\n)"), R"({"foo":"bar","id":1000})");
  EXPECT_EQ(ConfigOf("{\n  # test\n}"), "{}");
  EXPECT_EQ(ConfigOf("{ root => \"{%*ENV<HOME>}/.x\", in => $*CWD ~ '/y', tags => [ 'a' ], 4077 => %( b => True ) };"),
            R"({"root":"/root/.x","in":"/job/y","tags":["a"],"4077":{"b":true}})");
}

TEST(ConfigFile, IsNothingElse) {
  EXPECT_EQ(ConfigOf(""), "c:1:1: the file ends where more was expected");
  EXPECT_EQ(ConfigOf("'text'"), "c: the configuration is no map");
  EXPECT_EQ(ConfigOf("{ a => 1 } { b => 2 }"), "c:1:12: '{' is outside what cromt reads itself yet");
  EXPECT_EQ(ConfigOf("my %h = a => 1; %h"), "c:1:1: 'my' is outside what cromt reads itself yet");
  EXPECT_EQ(ConfigOf("{ a => task-run('x') }"), "c:1:8: 'task-run' is outside what cromt reads itself yet");
  EXPECT_EQ(ConfigOf("{ a => config()<b> }"), "c:1:8: 'config' is outside what cromt reads itself yet");
}

}  // namespace
}  // namespace cromt::step
