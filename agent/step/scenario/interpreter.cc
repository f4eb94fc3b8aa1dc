#include "agent/step/scenario/interpreter.h"

#include <fmt/format.h>

#include "agent/step/scenario/evaluator.h"

namespace cromt::step {
namespace {

class Interpreter {
 public:
  Interpreter(const Scenario& scenario, ScenarioHost& host, const ScenarioLimits& limits)
      : evaluator_(scenario.file, scenario.slots, host, limits), limits_(limits) {}

  ScenarioEnd Run(const Block& body) {
    auto status = Execute(body);
    if (auto end = evaluator_.end()) return *end;
    return status ? ScenarioEnd{} : ScenarioEnd{1, status.error().message};
  }

 private:
  // Recursion here and in the evaluator is bounded by the parser's kMaxNesting.
  Status Execute(const Block& block) {
    for (size_t slot : block.slots) evaluator_.SetSlot(slot, {});
    for (const Statement& statement : block.statements) {
      if (++statements_ > limits_.statements)
        return evaluator_.LimitAt(statement.at, fmt::format("more than {} statements executed", limits_.statements));
      CROMT_TRY(std::visit([&](const auto& form) { return Execute(form); }, statement.form));
    }
    return {};
  }

  Status Execute(const Expression& expression) {
    CROMT_TRY(evaluator_.Evaluate(expression));
    return {};
  }

  Status Execute(const If& statement) {
    for (const Branch& branch : statement.branches) {
      CROMT_ASSIGN(Datum condition, evaluator_.Evaluate(branch.condition));
      if (IsTrue(condition) != branch.negated) return Execute(branch.body);
    }
    return Execute(statement.otherwise);
  }

  Status Execute(const For& statement) {
    CROMT_ASSIGN(std::vector<Datum> items, evaluator_.Items(statement.list));
    for (const Datum& item : items) {
      evaluator_.SetSlot(statement.slot, item);
      CROMT_TRY(Execute(statement.body));
    }
    return {};
  }

  Evaluator evaluator_;
  const ScenarioLimits& limits_;
  size_t statements_ = 0;
};

}  // namespace

ScenarioEnd RunScenario(const Scenario& scenario, ScenarioHost& host, const ScenarioLimits& limits) {
  return Interpreter(scenario, host, limits).Run(scenario.body);
}

Result<Value> ValueOfFile(std::string_view file, const ValueFile& parsed, ScenarioHost& host) {
  const ScenarioLimits limits;
  Evaluator evaluator(std::string(file), parsed.slots, host, limits);
  CROMT_ASSIGN(Datum value, evaluator.Evaluate(parsed.value));
  return ToValue(value);
}

}  // namespace cromt::step
