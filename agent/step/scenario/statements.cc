// Statements: blocks, branches, loops, and what ends a statement.
#include <fmt/format.h>

#include "agent/step/scenario/characters.h"
#include "agent/step/scenario/functions.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// Modules that change nothing of what we read. `use strict` is Raku's default.
constexpr std::string_view kHarmlessModules[] = {"v6", "v6.c", "v6.d", "strict", "Sparrow6::DSL"};

// Could only begin a statement.
bool BeginsStatement(std::string_view word) {
  return word == "my" || word == "say" || FindDslFunction(word) != nullptr;
}

bool HasEffect(const Expression& expression) {
  if (expression.As<Call>() || expression.As<Builtin>() || expression.As<Assignment>()) return true;
  if (const auto* conditional = expression.As<Conditional>())
    return HasEffect(conditional->parts[1]) || HasEffect(conditional->parts[2]);
  const auto* infix = expression.As<Infix>();
  return infix != nullptr && infix->operators[0] <= Operator::kAnd && HasEffect(infix->operands.back());
}

}  // namespace

Status RecursiveParser::CheckLimits() {
  if (depth_ > kMaxNesting) return cursor_.LimitAt(cursor_.at(), fmt::format("nested more than {} deep", kMaxNesting));
  if (expressions_ > kMaxExpressions || statements_ > kMaxStatements || scope_.slots() > kMaxVariables)
    return cursor_.LimitAt(cursor_.at(), fmt::format("more than {} statements, {} variables or {} values",
                                                     kMaxStatements, kMaxVariables, kMaxExpressions));
  return {};
}

tl::unexpected<Error> RecursiveParser::Unexpected() const {
  const Position at = cursor_.at();
  if (cursor_.AtEnd()) return ErrorAt(at, "the file ends where more was expected");
  if (std::string_view word = cursor_.PeekWord(); !word.empty()) return OutsideAt(at, Quote(word));
  const char c = cursor_.Peek();
  if (c == '"' || c == '\'') return OutsideAt(at, "a string here");
  if (IsDigit(c)) return OutsideAt(at, "a number here");
  if (IsSigil(c)) {
    size_t size = IsTwigil(cursor_.Peek(1)) ? 2 : 1;
    const size_t name = IdentifierBytes(cursor_.rest().substr(size));
    if (name > 0) return OutsideAt(at, fmt::format("a variable ({})", cursor_.rest().substr(0, size + name)));
  }
  if (c == '.' && IsAlpha(cursor_.Peek(1)))
    return OutsideAt(
        at, fmt::format("the method .{}", cursor_.rest().substr(1, IdentifierBytes(cursor_.rest().substr(1)))));
  return OutsideAt(at, Quote(cursor_.rest().substr(0, std::max<size_t>(Utf8SequenceLength(cursor_.rest()), 1))));
}

bool RecursiveParser::TakeWord(std::string_view word) {
  return AtWord(word) && cursor_.Take(word);
}

Status RecursiveParser::Expect(std::string_view symbol) {
  CROMT_TRY(cursor_.SkipBlanks());
  if (cursor_.Take(symbol)) return {};
  if (cursor_.AtEnd()) return ErrorAt(cursor_.at(), fmt::format("'{}' is missing", symbol));
  return Unexpected();
}

Result<bool> RecursiveParser::TakeAfterBlanks(std::string_view symbol) {
  CROMT_TRY(cursor_.SkipBlanks());
  return cursor_.Take(symbol);
}

Result<Scenario> RecursiveParser::ParseUnit(std::string file) {
  Scenario scenario{.file = std::move(file)};
  scope_.Open();
  scope_.Declare("$_");
  CROMT_TRY(Statements(scenario.body.statements));
  if (!cursor_.AtEnd()) return Unexpected();
  scenario.body.slots = scope_.Close();
  scenario.slots = scope_.slots();
  return scenario;
}

Result<Expression> RecursiveParser::ParseOnlyValue() {
  is_value_only_ = true;
  scope_.Open();
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(Expression value, Tight(Use::kValue));
  CROMT_TRY(EndOfStatement(false));
  CROMT_TRY(cursor_.SkipBlanks());
  if (!cursor_.AtEnd()) return Unexpected();
  return value;
}

// Up to the end of the text or a '}'.
Status RecursiveParser::Statements(std::vector<Statement>& out) {
  while (true) {
    CROMT_TRY(cursor_.SkipBlanks());
    if (cursor_.AtEnd() || cursor_.Peek() == '}') return {};
    if (cursor_.Take(";")) continue;
    ++statements_;
    CROMT_TRY(CheckLimits());
    CROMT_ASSIGN(std::optional<Statement> statement, ParseStatement());
    if (statement) out.push_back(std::move(*statement));
  }
}

Result<Block> RecursiveParser::ParseBlock() {
  Deeper deeper(*this);
  CROMT_TRY(CheckLimits());
  CROMT_TRY(cursor_.SkipBlanks());
  if (!IsBlank(cursor_.Before()) && cursor_.Peek() == '{')
    return OutsideAt(cursor_.at(), "a block without a blank before it");
  CROMT_TRY(Expect("{"));
  scope_.Open();
  Block block;
  CROMT_TRY(Statements(block.statements));
  CROMT_TRY(Expect("}"));
  block.slots = scope_.Close();
  return block;
}

Result<std::optional<Statement>> RecursiveParser::ParseStatement() {
  if (AtWord("use")) {
    CROMT_TRY(UseLine());
    return std::nullopt;
  }
  const bool is_if = AtWord("if") || AtWord("unless"), is_for = AtWord("for");
  if (!is_if && !is_for) {
    CROMT_ASSIGN(Statement statement, SimpleStatement());
    CROMT_TRY(EndOfStatement(false));
    return statement;
  }
  CROMT_ASSIGN(Statement statement, is_if ? IfStatement() : ForStatement());
  CROMT_TRY(EndOfStatement(true));
  return statement;
}

Status RecursiveParser::UseLine() {
  const Position at = cursor_.at();
  cursor_.Take("use");
  CROMT_TRY(cursor_.SkipBlanks());
  const std::string_view rest = cursor_.rest();
  const std::string_view module = rest.substr(0, rest.find_first_of("; \t\r\n"));
  for (std::string_view harmless : kHarmlessModules) {
    if (module != harmless) continue;
    cursor_.Advance(module.size());
    return EndOfStatement(false);
  }
  return OutsideAt(at, module.empty() ? "'use'" : Quote(fmt::format("use {}", module)));
}

Result<Branch> RecursiveParser::ParseBranch(bool negated) {
  if (!IsBlank(cursor_.Peek())) return Unexpected();
  CROMT_TRY(cursor_.SkipBlanks());
  Branch branch{.negated = negated};
  CROMT_ASSIGN(branch.condition, Loose(Use::kValue));
  CROMT_ASSIGN(branch.body, ParseBlock());
  return branch;
}

Result<Statement> RecursiveParser::IfStatement() {
  const Position at = cursor_.at();
  const bool negated = AtWord("unless");
  cursor_.Advance(cursor_.PeekWord().size());
  If form;
  CROMT_ASSIGN(Branch first, ParseBranch(negated));
  form.branches.push_back(std::move(first));
  while (!negated) {
    const Cursor end = cursor_;
    CROMT_TRY(cursor_.SkipBlanks());
    if (TakeWord("elsif")) {
      CROMT_ASSIGN(Branch next, ParseBranch(false));
      form.branches.push_back(std::move(next));
      continue;
    }
    if (TakeWord("else")) {
      CROMT_ASSIGN(form.otherwise, ParseBlock());
    } else {
      cursor_ = end;
    }
    break;
  }
  return Statement{at, std::move(form)};
}

// The list of a loop: one value, or several between commas.
Result<Expression> RecursiveParser::ForList() {
  const Position at = cursor_.at();
  CROMT_ASSIGN(Expression list, Loose(Use::kValue));
  CROMT_TRY(Hold(list, Holding::kAll));
  CROMT_ASSIGN(bool has_more, TakeAfterBlanks(","));
  if (has_more) {
    ListLiteral literal;
    literal.items.push_back(std::move(list));
    CROMT_TRY(RefuseRange(literal.items[0]));
    CROMT_ASSIGN(ItemList more, Items("->"));
    for (Expression& item : more.items) {
      CROMT_TRY(RefuseRange(item));
      CROMT_TRY(Hold(item, Holding::kAll));
      literal.items.push_back(std::move(item));
    }
    return Expression{at, std::move(literal)};
  }
  if (YieldOf(list) == Yield::kUnclear) return OutsideAt(at, "a loop over such a value");
  return list;
}

Result<Statement> RecursiveParser::ForStatement() {
  const Position at = cursor_.at();
  cursor_.Take("for");
  if (!IsBlank(cursor_.Peek())) return Unexpected();
  CROMT_TRY(cursor_.SkipBlanks());
  For form;
  CROMT_ASSIGN(form.list, ForList());
  CROMT_ASSIGN(bool named, TakeAfterBlanks("->"));
  std::string_view name = "$_";
  if (named) {
    CROMT_TRY(cursor_.SkipBlanks());
    const size_t size = cursor_.Peek() == '$' ? IdentifierBytes(cursor_.rest().substr(1)) : 0;
    if (size == 0) return Unexpected();
    name = cursor_.rest().substr(0, size + 1);
    cursor_.Advance(name.size());
  }
  scope_.Open();
  form.slot = *scope_.Declare(name);
  Keep(form.slot);
  CROMT_ASSIGN(form.body, ParseBlock());
  scope_.Close();
  return Statement{at, std::move(form)};
}

Result<Statement> RecursiveParser::SimpleStatement() {
  const Cursor start = cursor_;
  CROMT_ASSIGN(Expression body, EffectExpression());
  return WithModifiers(std::move(body), start);
}

Result<Expression> RecursiveParser::EffectExpression() {
  const Position at = cursor_.at();
  if (cursor_.Peek() == '{') return OutsideAt(at, "a block that stands alone");
  CROMT_ASSIGN(Expression body, Loose(Use::kEffect));
  if (!HasEffect(body)) return OutsideAt(at, "a statement that is only a value");
  CROMT_TRY(cursor_.SkipBlanks());
  return body;
}

// The statement again with $_ as a variable of its own, once `for` is seen behind it.
Result<Statement> RecursiveParser::WithModifiers(Expression body, const Cursor& start) {
  const Position at = body.at;
  if (AtWord("for")) return WithForModifier(at, start);
  if (!AtWord("if") && !AtWord("unless")) return Statement{at, std::move(body)};
  CROMT_ASSIGN(Statement statement, WithIfModifier(std::move(body)));
  if (AtWord("for")) return WithForModifier(at, start);
  return statement;
}

Result<Statement> RecursiveParser::WithIfModifier(Expression body) {
  const Position at = body.at;
  Branch branch{.negated = AtWord("unless")};
  cursor_.Advance(cursor_.PeekWord().size());
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(branch.condition, Loose(Use::kValue));
  CROMT_TRY(cursor_.SkipBlanks());
  branch.body.statements.push_back({at, std::move(body)});
  If form;
  form.branches.push_back(std::move(branch));
  return Statement{at, std::move(form)};
}

Result<Statement> RecursiveParser::WithForModifier(Position at, const Cursor& start) {
  For form;
  cursor_.Take("for");
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(form.list, ForList());
  const Cursor end = cursor_;
  cursor_ = start;
  scope_.Open();
  form.slot = *scope_.Declare("$_");
  Keep(form.slot);
  const size_t slots = scope_.slots();
  CROMT_ASSIGN(Expression body, EffectExpression());
  if (scope_.slots() != slots) return OutsideAt(at, "'my' in a loop of one statement");
  if (AtWord("if") || AtWord("unless")) {
    CROMT_ASSIGN(Statement inner, WithIfModifier(std::move(body)));
    form.body.statements.push_back(std::move(inner));
  } else {
    form.body.statements.push_back({at, std::move(body)});
  }
  scope_.Close();
  cursor_ = end;
  return Statement{at, std::move(form)};
}

Status RecursiveParser::EndOfStatement(bool ends_with_block) {
  const int line = cursor_.at().line;
  CROMT_TRY(cursor_.SkipBlanks());
  if (cursor_.AtEnd() || cursor_.Peek() == '}' || cursor_.Take(";")) return {};
  const bool same_line = cursor_.at().line == line;
  if (ends_with_block && !same_line) return {};
  if (BeginsStatement(cursor_.PeekWord()))
    return ErrorAt(cursor_.at(), fmt::format("a ';' is missing before {}", Quote(cursor_.PeekWord())));
  return Unexpected();
}

}  // namespace cromt::step
