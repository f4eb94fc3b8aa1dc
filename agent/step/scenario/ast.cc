#include "agent/step/scenario/ast.h"

namespace cromt::step {
namespace {

Yield Both(Yield a, Yield b) {
  return a == b ? a : Yield::kUnclear;
}

Yield YieldOfForm(const Variable& variable) {
  return variable.sigil == '$' ? Yield::kOne : variable.sigil == '@' ? Yield::kEach : Yield::kUnclear;
}
Yield YieldOfForm(const WorldValue& value) {
  const bool is_map = value.kind == WorldValue::Kind::kConfig || value.kind == WorldValue::Kind::kTags;
  return is_map ? Yield::kUnclear : Yield::kOne;
}
Yield YieldOfForm(const Subscript& subscript) {
  return subscript.each ? Yield::kEach : Yield::kOne;
}
Yield YieldOfForm(const ListLiteral&) {
  return Yield::kEach;
}
Yield YieldOfForm(const MapLiteral&) {
  return Yield::kUnclear;
}
Yield YieldOfForm(const Range&) {
  return Yield::kEach;
}
Yield YieldOfForm(const Infix& infix) {
  for (const Expression& operand : infix.operands)
    if (infix.operators[0] <= Operator::kAnd && YieldOf(operand) != Yield::kOne) return Yield::kUnclear;
  return Yield::kOne;
}
Yield YieldOfForm(const Conditional& conditional) {
  return Both(YieldOf(conditional.parts[1]), YieldOf(conditional.parts[2]));
}
Yield YieldOfForm(const Call&) {
  return Yield::kUnclear;
}
template <class Form>
Yield YieldOfForm(const Form&) {
  return Yield::kOne;
}

}  // namespace

Yield YieldOf(const Expression& expression) {
  return std::visit([](const auto& form) { return YieldOfForm(form); }, expression.form);
}

}  // namespace cromt::step
