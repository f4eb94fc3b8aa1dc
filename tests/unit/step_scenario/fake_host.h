// A world for scenarios that writes down what it is asked: each call and each say is one line of `log`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/step/scenario/host.h"
#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"

namespace cromt::step {

class FakeHost : public ScenarioHost {
 public:
  std::vector<std::string> log;  // `task-run "tasks/a" {"x":1}` and `say: text`
  std::map<std::string, std::string> environment;
  std::map<std::string, DslOutcome> outcomes;  // by the text of the call's first argument
  Value config{Map{}};
  Value tags{Map{}};

  DslOutcome Call(const DslCall& call) override {
    std::string line = call.function;
    for (const Value& argument : call.arguments) line += " " + Json(argument);
    log.push_back(line);
    const auto* name = call.arguments.empty() ? nullptr : std::get_if<std::string>(&call.arguments[0].form);
    auto outcome = name != nullptr ? outcomes.find(*name) : outcomes.end();
    return outcome != outcomes.end() ? outcome->second : DslOutcome{.value = {Map{}}};
  }
  void Say(const std::string& text) override { log.push_back("say: " + text); }
  Value Config() override { return config; }
  Value Tags() override { return tags; }
  std::string Os() override { return "debian"; }
  std::string Cwd() override { return "/job"; }
  std::optional<std::string> Environment(const std::string& name) override {
    auto found = environment.find(name);
    return found != environment.end() ? std::optional(found->second) : std::nullopt;
  }

 private:
  static std::string Json(const Value& value) {
    const std::string wrapped = JsonText(Map{{"", value}});  // {"":VALUE}
    return wrapped.substr(4, wrapped.size() - 5);
  }
};

// What came of a scenario: an error of the parser is one of the run.
struct Ran {
  std::vector<std::string> log;
  int exit_code = 0;
  std::string error;
};

inline Ran RunText(std::string_view text, FakeHost host = {}, const ScenarioLimits& limits = {}) {
  auto scenario = ParseScenario("s", text);
  if (!scenario) return {.exit_code = -1, .error = scenario.error().message};
  ScenarioEnd end = RunScenario(*scenario, host, limits);
  return {std::move(host.log), end.exit_code, end.error};
}

// The lines that a scenario says, one below the other, then its error.
inline std::string SaidBy(std::string_view text, FakeHost host = {}) {
  Ran ran = RunText(text, std::move(host));
  std::string out;
  for (const std::string& line : ran.log)
    out += (out.empty() ? "" : "\n") + line.substr(line.starts_with("say: ") ? 5 : 0);
  if (!ran.error.empty()) out += (out.empty() ? "" : "\n") + ran.error;
  return out;
}

}  // namespace cromt::step
