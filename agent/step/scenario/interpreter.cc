#include "agent/step/scenario/interpreter.h"

#include <fmt/format.h>

namespace cromt::step {
namespace {

class Interpreter {
 public:
  explicit Interpreter(ScenarioHost& host) : host_(host) {}

  int Execute(const Call& call) {
    DslCall evaluated{.at = call.at, .function = call.function};
    for (const Expression& argument : call.arguments) evaluated.arguments.push_back(Of(argument));
    if (call.function != "say") return host_.Call(evaluated).exit_code;
    std::string text;
    for (const Value& value : evaluated.arguments)
      text += std::holds_alternative<std::monostate>(value.form) ? "(Any)" : ShellText(value);
    host_.Say(text);
    return 0;
  }

 private:
  Value Of(const Expression& expression) {
    return std::visit([&](const auto& form) { return Of(form); }, expression.form);
  }
  Value Of(const StringLiteral& literal) { return {literal.text}; }
  Value Of(const IntegerLiteral& literal) { return {literal.value}; }
  Value Of(const EnvironmentVariable& variable) {
    auto text = host_.Environment(variable.name);
    return text ? Value{std::move(*text)} : Value{};
  }
  Value Of(const ListLiteral& literal) {
    List list;
    for (const Expression& item : literal.items) list.push_back(Of(item));
    return {std::move(list)};
  }
  Value Of(const MapLiteral& literal) {
    Map map;
    for (const MapEntry& entry : literal.entries) map.push_back({entry.key, Of(entry.value)});
    return {std::move(map)};
  }

  ScenarioHost& host_;
};

}  // namespace

ScenarioEnd RunScenario(const Scenario& scenario, ScenarioHost& host) {
  Interpreter interpreter(host);
  for (const Call& call : scenario.calls)
    if (int code = interpreter.Execute(call); code != 0) return {.exit_code = code};
  return {};
}

}  // namespace cromt::step
