// Scenarios in the shape of the collections that people have: tests/data/tom/NAME.raku asks the world for exactly what
// NAME.calls says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/step/scenario/config_file.h"
#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

std::filesystem::path Folder() {
  return std::filesystem::path(std::getenv("CROMT_SOURCE")) / "tests/data/tom";
}

std::string TextOf(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

FakeHost World() {
  FakeHost host;
  host.environment = {{"WORKER", "A"}, {"DOCKER", "box"}, {"USER", "dev"}, {"PASSWORD", "p4ss"}, {"TOKEN", "t0ken"}};
  host.tags = {Map{{"target", {std::string("prod")}}}};
  host.config = {ParseConfig("config.raku", TextOf(Folder() / "env/config.raku"), host).value()};
  host.outcomes["tasks/html-report"].value = {Map{{"content", {std::string("<html>")}}}};
  host.outcomes["tasks/upload/"].value = {Map{{"url", {std::string("x.example/1")}}}};
  return host;
}

TEST(Collection, IsReadAndAsksForWhatItSays) {
  size_t scenarios = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() != ".raku") continue;
    SCOPED_TRACE(entry.path().filename());
    ++scenarios;
    Ran ran = RunText(TextOf(entry.path()), World());
    std::string log;
    for (const std::string& line : ran.log) log += line + "\n";
    EXPECT_EQ(log, TextOf(std::filesystem::path(entry.path()).replace_extension(".calls")));
    EXPECT_EQ(ran.error, "");
    EXPECT_EQ(ran.exit_code, 0);
  }
  EXPECT_EQ(scenarios, 14u);
}

}  // namespace
}  // namespace cromt::step
