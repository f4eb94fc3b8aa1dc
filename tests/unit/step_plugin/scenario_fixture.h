// Runs scenarios with the real cromt-step, and what the tests of its plugins share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "../step/step_process.h"
#include "../step/temporary_repository.h"

namespace cromt::step {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// `text` as a literal of Raku.
inline std::string Literal(std::string_view text) {
  std::string literal = "'";
  for (char c : text) {
    if (c == '\\' || c == '\'') literal += '\\';
    literal += c;
  }
  return literal + "'";
}

inline std::string MapOf(const Parameters& parameters) {
  std::string map = "%(";
  for (const auto& [name, value] : parameters) map += " " + Literal(name) + " => " + Literal(value) + ",";
  return map + " )";
}

// Parts of values that would do harm if any of them were read by a shell, taken for an option or cut at a blank.
inline const std::vector<std::string> kHostile = {
    "a b",       "-rf", "--help", "$(touch INJECTED)", "`touch INJECTED`", "x;touch INJECTED", "q\"'\\",
    "new\nline", "*",   "~"};

class ScenarioTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_FALSE(std::filesystem::exists(Path("INJECTED"))); }

  StepResult Run(const std::string& scenario, Variables variables = {}) {
    repository_.Write(".tom/s.raku", scenario);
    variables.insert({"HOME", repository_.path()});
    std::vector<std::string> arguments = options_;
    arguments.push_back("s");
    return RunSteps(repository_.path(), arguments, variables);
  }
  StepResult Plugin(const std::string& name, const Parameters& parameters, const Variables& variables = {}) {
    return Run("task-run 't', " + Literal(name) + ", " + MapOf(parameters) + ";", variables);
  }

  std::string Path(const std::string& relative) const { return repository_.path() + "/" + relative; }
  std::string Read(const std::string& relative) const {
    std::ifstream file(Path(relative), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool Exists(const std::string& relative) const {
    return std::filesystem::exists(std::filesystem::symlink_status(Path(relative)));
  }

  // A program of the host, first in the PATH that WithFakes gives.
  void Fake(const std::string& name, const std::string& script) {
    const std::string file = "fake/" + name;
    repository_.Write(file, "#!/bin/sh\n" + script + "\n");
    ASSERT_EQ(::chmod(Path(file).c_str(), 0755), 0);
  }
  // One that prints how it was called: "NAME <argument> <argument>".
  void FakeThatSaysHow(const std::string& name, const std::string& then = "") {
    Fake(name, "printf '%s' \"${0##*/}\"; for a; do printf ' <%s>' \"$a\"; done; echo; " + then);
  }
  Variables WithFakes() const { return {{"PATH", Path("fake") + ":" + ::getenv("PATH")}}; }

  TemporaryRepository repository_;
  std::vector<std::string> options_;
};

}  // namespace cromt::step
