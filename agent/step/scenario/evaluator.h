// Gives the values of expressions, and does what they ask of the world. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/step/scenario/ast.h"
#include "agent/step/scenario/datum.h"
#include "agent/step/scenario/interpreter.h"

namespace cromt::step {

class Evaluator {
 public:
  // `host` and `limits` outlive it. `slots`: of the scenario's variables.
  Evaluator(std::string file, size_t slots, ScenarioHost& host, const ScenarioLimits& limits)
      : file_(std::move(file)), host_(host), limits_(limits), slots_(slots) {}

  Result<Datum> Evaluate(const Expression& expression);
  // What a loop over the expression walks: each item of a list, or the one value.
  Result<std::vector<Datum>> Items(const Expression& expression);
  void SetSlot(size_t slot, Datum value) { slots_[slot] = std::move(value); }

  // Once the scenario has ended itself (exit, die, a call that failed): how. The error that Evaluate then returns only
  // leads out of it.
  const std::optional<ScenarioEnd>& end() const { return end_; }

  tl::unexpected<Error> LimitAt(Position at, std::string_view what) const;

 private:
  tl::unexpected<Error> ErrorAt(Position at, std::string_view what, ErrorCode code = ErrorCode::kInvalid) const;
  template <class T>
  Result<T> At(Position at, Result<T> result) const;
  Status Spend(Position at, size_t work);
  tl::unexpected<Error> End(int exit_code, std::string error);

  Result<Datum> Of(Position at, const StringLiteral& literal);
  Result<Datum> Of(Position at, const IntegerLiteral& literal);
  Result<Datum> Of(Position at, const BooleanLiteral& literal);
  Result<Datum> Of(Position at, const Interpolation& interpolation);
  Result<Datum> Of(Position at, const Variable& variable);
  Result<Datum> Of(Position at, const EnvironmentVariable& variable);
  Result<Datum> Of(Position at, const WorldValue& value);
  Result<Datum> Of(Position at, const Subscript& subscript);
  Result<Datum> Of(Position at, const ListLiteral& literal);
  Result<Datum> Of(Position at, const MapLiteral& literal);
  Result<Datum> Of(Position at, const Range& range);
  Result<Datum> Of(Position at, const Infix& infix);
  Result<Datum> Of(Position at, const Unary& unary);
  Result<Datum> Of(Position at, const Conditional& conditional);
  Result<Datum> Of(Position at, const Call& call);
  Result<Datum> Of(Position at, const Builtin& call);
  Result<Datum> Of(Position at, const Assignment& assignment);

  Result<Datum> Step(Position at, const Datum& target, const Index& index);
  Result<Datum> StepByPosition(Position at, const Datum& target, const Datum& position);
  Result<Datum> Logical(const Infix& infix);
  Result<Datum> Joined(Position at, const Expressions& parts);
  Result<Datum> Apply(Position at, Operator op, const Datum& left, const Datum& right);
  Result<Datum> Compare(Position at, Operator op, const Datum& left, const Datum& right);
  Result<Datum> Calculate(Position at, Operator op, const Datum& left, const Datum& right);
  Result<int64_t> IntegerOf(const Expression& expression);
  Result<Datum> AsArray(Position at, const Expression& value);
  Result<Datum> AsMap(Position at, const Expression& value);

  std::string file_;
  ScenarioHost& host_;
  const ScenarioLimits& limits_;
  std::vector<Datum> slots_;
  size_t work_ = 0;
  std::optional<ScenarioEnd> end_;
};

}  // namespace cromt::step
