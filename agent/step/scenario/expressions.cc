// Expressions: operators by precedence, and assignment.
#include <fmt/format.h>

#include <array>

#include "agent/step/scenario/characters.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

struct OperatorSign {
  std::string_view sign;
  Operator op;
  std::string_view not_before;  // with one of these behind it, it is another operator of Raku's
};

// Loosest first. Of the operators in one row, only the same may stand in a row, except where `mixes`.
struct Level {
  std::array<OperatorSign, 8> operators;
  bool mixes = false;
  bool repeats = true;
};
constexpr Level kLevels[] = {
    {.operators = {{{"||", Operator::kOr, "=|"}, {"//", Operator::kDefinedOr, "=/"}}}},
    {.operators = {{{"&&", Operator::kAnd, "=&"}}}},
    {.operators = {{{"==", Operator::kEqual, "=>:"},
                    {"!=", Operator::kNotEqual, "="},
                    {"<=", Operator::kLessOrEqual, "=>"},
                    {">=", Operator::kGreaterOrEqual, "="},
                    {"<", Operator::kLess, "=<-|~("},
                    {">", Operator::kGreater, "=>"},
                    {"eq", Operator::kSameText, ""},
                    {"ne", Operator::kOtherText, ""}}},
     .repeats = false},
    {},  // ranges
    {.operators = {{{"~", Operator::kJoin, "=~&|^<>"}}}},
    {.operators = {{{"+", Operator::kAdd, "=+|&^<>"}, {"-", Operator::kSubtract, "=->"}}}, .mixes = true},
    {.operators = {{{"*", Operator::kMultiply, "=*"}}}},
};
constexpr size_t kRangeLevel = 3, kJoinLevel = 4;

constexpr std::string_view kCwdAsValue = "$*CWD as anything but a part of a text";

// The operator of `level` at the cursor.
const OperatorSign* OperatorAt(const Cursor& cursor, const Level& level) {
  for (const OperatorSign& candidate : level.operators) {
    if (candidate.sign.empty() || !cursor.StartsWith(candidate.sign)) continue;
    if (IsAlpha(candidate.sign[0])) {
      if (cursor.PeekWord() == candidate.sign) return &candidate;
    } else if (const char next = cursor.Peek(candidate.sign.size());
               next == '\0' || candidate.not_before.find(next) == std::string_view::npos) {
      return &candidate;
    }
  }
  return nullptr;
}

Expression Combine(Position at, Operator op, Expression left, Expression right) {
  Infix infix{.operators = {op}};
  infix.operands.push_back(std::move(left));
  infix.operands.push_back(std::move(right));
  return {at, std::move(infix)};
}

Expression Apply(Position at, Unary::Kind kind, Expression operand) {
  Unary unary{.kind = kind};
  unary.operand.push_back(std::move(operand));
  return {at, std::move(unary)};
}

// The part of an expression that is done for its effect and whose value we don't know; nullptr if there is none.
const Expression* PartWithoutValue(const Expression& expression) {
  const auto* call = expression.As<Call>();
  const auto* builtin = expression.As<Builtin>();
  if ((call != nullptr && call->function != "task-run") || (builtin != nullptr && builtin->kind == Builtin::Kind::kSay))
    return &expression;
  if (const auto* infix = expression.As<Infix>()) return PartWithoutValue(infix->operands.back());
  if (const auto* conditional = expression.As<Conditional>()) {
    const Expression* yes = PartWithoutValue(conditional->parts[1]);
    return yes != nullptr ? yes : PartWithoutValue(conditional->parts[2]);
  }
  return nullptr;
}

bool IsCwd(const Expression& expression) {
  const auto* world = expression.As<WorldValue>();
  return world != nullptr && world->kind == WorldValue::Kind::kCwd;
}

}  // namespace

// Before an operator that looks at the value.
Status RecursiveParser::NeedValue(const Expression& operand) const {
  const Expression* part = PartWithoutValue(operand);
  if (part == nullptr) return {};
  const auto* call = part->As<Call>();
  return OutsideAt(part->at, fmt::format("the value of {}", call != nullptr ? call->function : "say"));
}

// a or b or c
Result<Expression> RecursiveParser::Loose(Use use) {
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  const Position at = cursor_.at();
  CROMT_ASSIGN(Expression left, LooseAnd(use));
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    if (!TakeWord("or")) return left;
    CROMT_TRY(NeedValue(left));
    CROMT_TRY(cursor_.SkipBlanks());
    CROMT_ASSIGN(Expression right, LooseAnd(use));
    left = Combine(at, Operator::kOr, std::move(left), std::move(right));
    CROMT_TRY(CountExpression());
  }
}

Result<Expression> RecursiveParser::LooseAnd(Use use) {
  const Position at = cursor_.at();
  CROMT_ASSIGN(Expression left, LooseNot(use));
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    if (!TakeWord("and")) return left;
    CROMT_TRY(NeedValue(left));
    CROMT_TRY(cursor_.SkipBlanks());
    CROMT_ASSIGN(Expression right, LooseNot(use));
    left = Combine(at, Operator::kAnd, std::move(left), std::move(right));
    CROMT_TRY(CountExpression());
  }
}

Result<Expression> RecursiveParser::LooseNot(Use use) {
  const Position at = cursor_.at();
  const bool is_not = AtWord("not") && IsBlank(cursor_.Peek(3)), is_so = AtWord("so") && IsBlank(cursor_.Peek(2));
  if (!is_not && !is_so) return Assignable(use);
  cursor_.Advance(cursor_.PeekWord().size());
  CROMT_TRY(cursor_.SkipBlanks());
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  CROMT_ASSIGN(Expression operand, LooseNot(Use::kValue));
  return Apply(at, is_not ? Unary::Kind::kNot : Unary::Kind::kTruth, std::move(operand));
}

Result<Expression> RecursiveParser::Assignable(Use use) {
  if (use == Use::kValue) return TightOrRange(use);
  if (AtWord("my")) return Declaration();
  if (!IsSigil(cursor_.Peek()) || IdentifierBytes(cursor_.rest().substr(1)) == 0) return Tight(use);
  const Cursor start = cursor_;
  CROMT_ASSIGN(Expression target, AnyVariable());
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(std::optional<Expression> assignment, AssignTo(std::move(target)));
  if (assignment) return std::move(*assignment);
  cursor_ = start;
  return Tight(use);
}

Result<Expression> RecursiveParser::Declaration() {
  const Position at = cursor_.at();
  cursor_.Take("my");
  CROMT_TRY(cursor_.SkipBlanks());
  if (!cursor_.PeekWord().empty()) return OutsideAt(at, "'my' with a type");
  const char sigil = cursor_.Peek();
  const size_t size = IsSigil(sigil) && sigil != '&' ? IdentifierBytes(cursor_.rest().substr(1)) : 0;
  if (size == 0) return OutsideAt(at, "'my' without a plain variable");
  const std::string_view name = cursor_.rest().substr(0, size + 1);
  cursor_.Advance(name.size());
  auto slot = scope_.Declare(name);
  if (!slot) return OutsideAt(at, fmt::format("a second 'my {}' in one block", name));
  Assignment assignment{.target = {.sigil = sigil, .slot = *slot}, .value = {}};
  CROMT_TRY(cursor_.SkipBlanks());
  if (!cursor_.StartsWith("==") && !cursor_.StartsWith("=>") && cursor_.Take("=")) {
    CROMT_TRY(cursor_.SkipBlanks());
    CROMT_ASSIGN(Expression value, AssignedValue(sigil));
    assignment.value.push_back(std::move(value));
  }
  return Expression{at, std::move(assignment)};
}

// What stands behind `my @l =`: for a list or a map, all values between commas.
Result<Expression> RecursiveParser::AssignedValue(char sigil) {
  const Position at = cursor_.at();
  if (sigil == '$') {
    CROMT_ASSIGN(Expression value, Tight(Use::kValue));
    CROMT_TRY(Hold(value, Holding::kListsAndMaps));
    return value;
  }
  const char c = cursor_.Peek();
  if (sigil == '%' && (AtPairName() || c == '"' || c == '\'' || IsDigit(c))) {
    CROMT_ASSIGN(auto entries, Entries(";"));
    return Expression{at, MapLiteral{std::move(entries)}};
  }
  if (sigil == '%') return Tight(Use::kValue);
  CROMT_ASSIGN(ItemList list, Items(""));
  if (list.items.empty()) return Unexpected();
  for (const Expression& item : list.items) CROMT_TRY(Hold(item, Holding::kListsAndMaps));
  if (!list.IsSingle()) return Expression{at, ListLiteral{std::move(list.items)}};
  if (YieldOf(list.items[0]) == Yield::kUnclear) return OutsideAt(at, "a list of such a value");
  return std::move(list.items[0]);
}

// `target = value`, `target ~= value`, `target //= value`, `target ||= value`; nullopt for anything else.
Result<std::optional<Expression>> RecursiveParser::AssignTo(Expression target) {
  struct Form {
    std::string_view sign;
    std::optional<Operator> op;
  };
  constexpr Form kForms[] = {{"=", {}}, {"~=", Operator::kJoin}, {"//=", Operator::kDefinedOr}, {"||=", Operator::kOr}};
  const Variable variable = *target.As<Variable>();
  for (const auto& [sign, op] : kForms) {
    if (!cursor_.StartsWith(sign) || (!op && (cursor_.Peek(1) == '=' || cursor_.Peek(1) == '>'))) continue;
    const Position at = cursor_.at();
    if (op && variable.sigil != '$') return OutsideAt(at, Quote(sign));
    if (!scope_.Assign(variable.slot)) return OutsideAt(at, "assigning to a variable that a list, map or loop holds");
    cursor_.Advance(sign.size());
    CROMT_TRY(cursor_.SkipBlanks());
    CROMT_ASSIGN(Expression value, AssignedValue(variable.sigil));
    const Position target_at = target.at;
    if (op) value = Combine(at, *op, std::move(target), std::move(value));
    Assignment assignment{.target = variable, .value = {}};
    assignment.value.push_back(std::move(value));
    return Expression{target_at, std::move(assignment)};
  }
  return std::nullopt;
}

// A range that isn't walked at once would have to stay a range.
Status RecursiveParser::RefuseRange(const Expression& expression) const {
  if (expression.As<Range>()) return OutsideAt(expression.at, "a range that isn't walked by a loop or made a list");
  return {};
}

Result<Expression> RecursiveParser::Tight(Use use) {
  CROMT_ASSIGN(Expression expression, TightOrRange(use));
  CROMT_TRY(RefuseRange(expression));
  return expression;
}

// condition ?? yes !! no
Result<Expression> RecursiveParser::TightOrRange(Use use) {
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  const Position at = cursor_.at();
  CROMT_ASSIGN(Expression condition, Binary(0, use));
  CROMT_TRY(cursor_.SkipBlanks());
  if (!cursor_.Take("??")) return condition;
  CROMT_TRY(NeedValue(condition));
  Conditional conditional;
  conditional.parts.push_back(std::move(condition));
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(Expression yes, Tight(use));
  CROMT_TRY(Expect("!!"));
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(Expression no, Tight(use));
  conditional.parts.push_back(std::move(yes));
  conditional.parts.push_back(std::move(no));
  return Expression{at, std::move(conditional)};
}

// Operators of one level and of all tighter ones.
Result<Expression> RecursiveParser::Binary(size_t level, Use use) {
  if (level == std::size(kLevels)) return Prefix(use);
  if (level == kRangeLevel) return RangeLevel(use);
  const Position at = cursor_.at();
  CROMT_ASSIGN(Expression first, Binary(level + 1, use));
  Infix infix;
  infix.operands.push_back(std::move(first));
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    const OperatorSign* found = OperatorAt(cursor_, kLevels[level]);
    if (found == nullptr) break;
    const bool is_first = infix.operators.empty(), repeats = !is_first && infix.operators.back() == found->op;
    if (!is_first && !kLevels[level].mixes && !(repeats && kLevels[level].repeats))
      return OutsideAt(cursor_.at(), fmt::format("{} after another operator of its kind", Quote(found->sign)));
    CROMT_TRY(NeedValue(infix.operands.back()));
    cursor_.Advance(found->sign.size());
    CROMT_TRY(cursor_.SkipBlanks());
    CROMT_ASSIGN(Expression next, Binary(level + 1, found->op <= Operator::kAnd ? use : Use::kValue));
    infix.operators.push_back(found->op);
    infix.operands.push_back(std::move(next));
  }
  CROMT_TRY(CheckOperands(at, infix, level));
  if (infix.operators.empty()) return std::move(infix.operands[0]);
  return Expression{at, std::move(infix)};
}

// $*CWD is an object in Raku, a range stays a range: each is refused where that would show.
Status RecursiveParser::CheckOperands(Position at, const Infix& infix, size_t level) const {
  const bool is_single = infix.operators.empty(), is_text = level == kJoinLevel && !is_single;
  for (const Expression& operand : infix.operands) {
    if (IsCwd(operand) && !is_text && (!is_single || level <= kJoinLevel)) return OutsideAt(at, kCwdAsValue);
    if (!is_single && infix.operators[0] <= Operator::kAnd) CROMT_TRY(RefuseRange(operand));
  }
  return {};
}

// from .. to, from ..^ to, ^to
Result<Expression> RecursiveParser::RangeLevel(Use use) {
  const Position at = cursor_.at();
  if (cursor_.Peek() == '^' && cursor_.Peek(1) != '^') {
    cursor_.Advance(1);
    Range range{.excludes_last = true};
    range.ends.push_back({at, IntegerLiteral{0}});
    CROMT_ASSIGN(Expression to, Prefix(Use::kValue));
    range.ends.push_back(std::move(to));
    return Expression{at, std::move(range)};
  }
  CROMT_ASSIGN(Expression from, Binary(kRangeLevel + 1, use));
  CROMT_TRY(cursor_.SkipBlanks());
  if (!cursor_.StartsWith("..") || cursor_.StartsWith("...")) return from;
  cursor_.Advance(2);
  Range range{.excludes_last = cursor_.Take("^")};
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(Expression to, Binary(kRangeLevel + 1, Use::kValue));
  range.ends.push_back(std::move(from));
  range.ends.push_back(std::move(to));
  return Expression{at, std::move(range)};
}

Result<Expression> RecursiveParser::Prefix(Use use) {
  const Position at = cursor_.at();
  const char sign = cursor_.Peek(), next = cursor_.Peek(1);
  const bool is_prefix = (sign == '!' || sign == '-' || sign == '?') && next != '=' && !(sign == '-' && next == '-');
  if (!is_prefix) return Postfix(use);
  cursor_.Advance(1);
  CROMT_TRY(cursor_.SkipBlanks());
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  CROMT_ASSIGN(Expression operand, Prefix(Use::kValue));
  if (IsCwd(operand)) return OutsideAt(operand.at, kCwdAsValue);
  if (const auto* literal = operand.As<IntegerLiteral>(); literal != nullptr && sign == '-')
    return Expression{at, IntegerLiteral{-literal->value}};
  return Apply(at,
               sign == '!'   ? Unary::Kind::kNot
               : sign == '?' ? Unary::Kind::kTruth
                             : Unary::Kind::kMinus,
               std::move(operand));
}

Result<Expression> RecursiveParser::Postfix(Use use) {
  CROMT_TRY(CountExpression());
  CROMT_ASSIGN(Expression term, Term(use));
  CROMT_ASSIGN(Expression whole, Subscripts(std::move(term)));
  const char c = cursor_.Peek(), next = cursor_.Peek(1);
  if ((c == '.' && next != '.') || c == '(' || (c == '+' && next == '+') || (c == '-' && next == '-'))
    return Unexpected();
  return whole;
}

}  // namespace cromt::step
