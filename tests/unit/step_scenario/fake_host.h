// A world for scenarios that writes down what it is asked: each call and each say is one line of `log`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/step/scenario/host.h"

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

}  // namespace cromt::step
