// What operators do.
#include <fmt/format.h>

#include "agent/step/scenario/evaluator.h"

namespace cromt::step {

Result<Datum> Evaluator::Of(Position, const Unary& unary) {
  const Expression& operand = unary.operand[0];
  CROMT_ASSIGN(Datum value, Evaluate(operand));
  if (unary.kind == Unary::Kind::kMinus) return Calculate(operand.at, Operator::kSubtract, Datum{int64_t{0}}, value);
  return Datum{IsTrue(value) == (unary.kind == Unary::Kind::kTruth)};
}

Result<Datum> Evaluator::Of(Position at, const Infix& infix) {
  if (infix.operators[0] <= Operator::kAnd) return Logical(infix);
  if (infix.operators[0] == Operator::kJoin) return Joined(at, infix.operands);
  CROMT_ASSIGN(Datum left, Evaluate(infix.operands[0]));
  for (size_t i = 0; i < infix.operators.size(); ++i) {
    CROMT_ASSIGN(Datum right, Evaluate(infix.operands[i + 1]));
    CROMT_ASSIGN(left, Apply(infix.operands[i + 1].at, infix.operators[i], left, right));
  }
  return left;
}

// The first operand that decides, or the last.
Result<Datum> Evaluator::Logical(const Infix& infix) {
  Datum value;
  for (const Expression& operand : infix.operands) {
    CROMT_ASSIGN(value, Evaluate(operand));
    const Operator op = infix.operators[0];
    const bool holds = op == Operator::kDefinedOr ? value.IsDefined() : IsTrue(value);
    if (holds != (op == Operator::kAnd)) break;
  }
  return value;
}

Result<Datum> Evaluator::Apply(Position at, Operator op, const Datum& left, const Datum& right) {
  const bool calculates = op == Operator::kAdd || op == Operator::kSubtract || op == Operator::kMultiply;
  return calculates ? Calculate(at, op, left, right) : Compare(at, op, left, right);
}

Result<Datum> Evaluator::Compare(Position at, Operator op, const Datum& left, const Datum& right) {
  if (op == Operator::kSameText || op == Operator::kOtherText) {
    CROMT_TRY(Spend(at, (ExtentOf(left).bytes + ExtentOf(right).bytes) / 64));
    CROMT_ASSIGN(std::string a, At(at, ToText(left)));
    CROMT_ASSIGN(std::string b, At(at, ToText(right)));
    return Datum{(a == b) == (op == Operator::kSameText)};
  }
  CROMT_ASSIGN(Number a, At(at, ToNumber(left)));
  CROMT_ASSIGN(Number b, At(at, ToNumber(right)));
  return std::visit(
      [op](auto x, auto y) {
        switch (op) {
          case Operator::kEqual: return Datum{x == y};
          case Operator::kNotEqual: return Datum{x != y};
          case Operator::kLess: return Datum{x < y};
          case Operator::kGreater: return Datum{x > y};
          case Operator::kLessOrEqual: return Datum{x <= y};
          default: return Datum{x >= y};
        }
      },
      a, b);
}

Result<Datum> Evaluator::Calculate(Position at, Operator op, const Datum& left, const Datum& right) {
  CROMT_ASSIGN(Number a, At(at, ToNumber(left)));
  CROMT_ASSIGN(Number b, At(at, ToNumber(right)));
  const auto* x = std::get_if<int64_t>(&a);
  const auto* y = std::get_if<int64_t>(&b);
  if (x == nullptr || y == nullptr) return ErrorAt(at, "cromt calculates with whole numbers only");
  int64_t result = 0;
  const bool overflows = op == Operator::kAdd        ? __builtin_add_overflow(*x, *y, &result)
                         : op == Operator::kSubtract ? __builtin_sub_overflow(*x, *y, &result)
                                                     : __builtin_mul_overflow(*x, *y, &result);
  if (overflows) return ErrorAt(at, "a number of more than 64 bits");
  return Datum{result};
}

}  // namespace cromt::step
