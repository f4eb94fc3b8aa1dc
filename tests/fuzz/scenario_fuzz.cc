// Scenarios. Whatever the text: it is read, or refused with a message that can be shown. What is read runs to its end
// within its limits, whatever the world answers, and the same text asks the same of the same world.
#include "agent/step/scenario/calls.h"
#include "agent/step/scenario/config_file.h"
#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

using step::Map;
using step::Value;

// Answers everything, and keeps a digest of what it was asked.
class World : public step::ScenarioHost {
 public:
  size_t asked = 0;

  step::DslOutcome Call(const step::DslCall& call) override {
    Map arguments;
    for (const Value& argument : call.arguments) arguments.push_back({std::to_string(arguments.size()), argument});
    Note(call.function + step::JsonText(arguments));
    return {.exit_code = 0, .value = {Map{{"a", {std::string("state")}}, {"l", {step::List{{int64_t{1}}, {}}}}}}};
  }
  void Say(const std::string& text) override { Note(text); }
  Value Config() override { return {Map{{"a", {Map{{"b", {step::List{{std::string("x")}, {true}, {0.5}}}}}}}}}; }
  Value Tags() override { return {Map{{"a", {std::string("1")}}}}; }
  std::string Os() override { return "debian"; }
  std::string Cwd() override { return "/job"; }
  std::optional<std::string> Environment(const std::string& name) override {
    Note(name);
    return name.size() % 2 == 0 ? std::optional(name) : std::nullopt;
  }

 private:
  void Note(std::string_view text) { asked = asked * 31 + std::hash<std::string_view>()(text); }
};

constexpr step::ScenarioLimits kLimits{.statements = 500, .work = 20'000, .loop_items = 200};

void CheckRun(const step::Scenario& scenario) {
  World first, second;
  const step::ScenarioEnd end = RunScenario(scenario, first, kLimits);
  Require(end.exit_code >= 0 && end.exit_code <= 255, "an exit code is one byte");
  Require(end.error.empty() || end.exit_code != 0, "what ends with an error fails");
  const step::ScenarioEnd again = RunScenario(scenario, second, kLimits);
  Require(end.error == again.error && first.asked == second.asked, "a scenario does the same twice");
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt;
  const std::string_view text = fuzz::Text(data, size);
  auto scenario = step::ParseScenario("f", text);
  if (scenario) {
    for (const step::CallSite& site : ListCalls(*scenario)) fuzz::Require(site.at.line > 0, "a call has a place");
    fuzz::CheckRun(*scenario);
  } else {
    fuzz::RequireShowable(scenario.error().message);
  }
  fuzz::World world;
  auto config = step::ParseConfig("f", text, world);
  if (!config) fuzz::RequireShowable(config.error().message);
  return 0;
}
