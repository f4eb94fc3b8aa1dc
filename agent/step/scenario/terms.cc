// Terms: what stands between operators, and the subscripts behind it.
#include <fmt/format.h>

#include <charconv>

#include "agent/step/scenario/characters.h"
#include "agent/step/scenario/functions.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// What an argument can be, as far as its form tells.
Takes FormOf(const Expression& expression) {
  if (expression.As<MapLiteral>()) return kMap;
  if (expression.As<ListLiteral>() || expression.As<Range>()) return kList;
  if (const auto* variable = expression.As<Variable>(); variable != nullptr && variable->sigil != '$')
    return variable->sigil == '%' ? kMap : kList;
  const bool is_text = expression.As<StringLiteral>() || expression.As<Interpolation>() ||
                       expression.As<IntegerLiteral>() || expression.As<EnvironmentVariable>();
  return is_text ? kText : kText | kList | kMap;
}

}  // namespace

Result<Expression> RecursiveParser::Term(Use use) {
  const Position at = cursor_.at();
  const char c = cursor_.Peek();
  if (IsAlpha(c)) return Word(use);
  if (IsDigit(c)) return Integer();
  if (cursor_.Take("'")) return Quoted(at, {.language = Language::kSingle, .opening = '\'', .closing = '\''});
  if (cursor_.Take("\"")) return Quoted(at, {.language = Language::kDouble, .opening = '"', .closing = '"'});
  if (c == '(') return Parentheses();
  if (c == '[') return Array();
  if (c == '{') return Map("{", "}");
  if (c == '<') return WordList();
  if (cursor_.StartsWith("%(")) return Map("%(", ")");
  if (cursor_.StartsWith("%*ENV")) return EnvironmentTerm();
  if (cursor_.StartsWith("$*CWD") && IdentifierBytes(cursor_.rest().substr(2)) == 3) {
    cursor_.Advance(5);
    CROMT_TRY(EndOfName());
    return Expression{at, WorldValue{WorldValue::Kind::kCwd}};
  }
  if (IsSigil(c)) return AnyVariable();
  return Unexpected();
}

Result<Expression> RecursiveParser::Word(Use use) {
  const Position at = cursor_.at();
  const std::string_view word = cursor_.PeekWord();
  if (word == "True" || word == "False") {
    cursor_.Advance(word.size());
    return Expression{at, BooleanLiteral{word == "True"}};
  }
  if (word == "q" || word == "qq" || word == "Q") return QuoteWord();
  if (is_value_only_) return Unexpected();
  if (word == "config") return World(WorldValue::Kind::kConfig);
  if (word == "tags") return World(WorldValue::Kind::kTags);
  if (word == "os") return World(WorldValue::Kind::kOs);
  if (word == "say" && use == Use::kEffect) return BuiltinCall(Builtin::Kind::kSay);
  if (word == "die") return BuiltinCall(Builtin::Kind::kDie);
  if (word == "exit") return BuiltinCall(Builtin::Kind::kExit);
  if (const DslFunction* function = FindDslFunction(word)) return CallOf(*function, use);
  return Unexpected();
}

Result<Expression> RecursiveParser::Integer() {
  const Position at = cursor_.at();
  size_t size = 1;
  while (IsDigit(cursor_.Peek(size)) || (cursor_.Peek(size) == '_' && IsDigit(cursor_.Peek(size + 1)))) ++size;
  std::string digits(cursor_.rest().substr(0, size));
  std::erase(digits, '_');
  const bool fraction = cursor_.Peek(size) == '.' && IsDigit(cursor_.Peek(size + 1));
  if (fraction || IsAlpha(cursor_.Peek(size)) || (digits.size() > 1 && digits[0] == '0'))
    return OutsideAt(at, "a number that isn't a plain decimal integer");
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc()) return OutsideAt(at, "an integer of more than 64 bits");
  cursor_.Advance(size);
  if (cursor_.Peek() == '<') return OutsideAt(cursor_.at(), "'<' right behind a number");
  return Expression{at, IntegerLiteral{number}};
}

// %*ENV<NAME>, %*ENV{"NAME"}
Result<Expression> RecursiveParser::EnvironmentTerm() {
  const Position at = cursor_.at();
  cursor_.Take("%*ENV");
  Subscript subscript;
  if (cursor_.Peek() != '<' && cursor_.Peek() != '{') return OutsideAt(at, "%*ENV without <NAME>");
  CROMT_TRY(TakeIndex(subscript));
  if (subscript.each) return OutsideAt(at, "%*ENV without <NAME>");
  EnvironmentVariable variable;
  variable.name.push_back(std::move(subscript.path[0].value));
  return Expression{at, std::move(variable)};
}

// config(), config()<a>, config<a>
Result<Expression> RecursiveParser::World(WorldValue::Kind kind) {
  const Position at = cursor_.at();
  const std::string_view word = cursor_.PeekWord();
  cursor_.Advance(word.size());
  const bool is_map = kind != WorldValue::Kind::kOs;
  if (!cursor_.Take("()") && !(is_map && cursor_.Peek() == '<'))
    return OutsideAt(at, fmt::format("{0} without () right behind it", word));
  return Expression{at, WorldValue{kind}};
}

Result<Expression> RecursiveParser::CallOf(const DslFunction& function, Use use) {
  const Position at = cursor_.at();
  if (use == Use::kValue && function.name != "task-run")
    return OutsideAt(at, fmt::format("the value of {}", function.name));
  cursor_.Advance(function.name.size());
  CROMT_ASSIGN(Expressions arguments, Arguments());
  CROMT_TRY(CheckArguments(function, at, arguments));
  return Expression{at, Call{std::string(function.name), std::move(arguments)}};
}

Result<Expression> RecursiveParser::BuiltinCall(Builtin::Kind kind) {
  const Position at = cursor_.at();
  const std::string_view word = cursor_.PeekWord();
  cursor_.Advance(word.size());
  const bool parentheses = cursor_.Peek() == '(';
  Builtin call{.kind = kind};
  CROMT_ASSIGN(call.arguments, Arguments());
  if (kind == Builtin::Kind::kExit && call.arguments.size() > 1) return ErrorAt(at, "exit takes one argument");
  if (kind == Builtin::Kind::kSay && call.arguments.empty() && !parentheses)
    return OutsideAt(at, "say without a value");
  return Expression{at, std::move(call)};
}

// With parentheses right behind the name, or without.
Result<Expressions> RecursiveParser::Arguments() {
  const bool has_parentheses = cursor_.Take("(");
  if (!has_parentheses) {
    const char behind_name = cursor_.Peek();
    CROMT_TRY(cursor_.SkipBlanks());
    const std::string_view word = cursor_.PeekWord();
    const bool is_over = cursor_.AtEnd() || std::string_view(";)}]").find(cursor_.Peek()) != std::string_view::npos;
    const bool is_modified = word == "if" || word == "unless" || word == "for" || word == "or" || word == "and";
    if (is_over || is_modified) return Expressions();
    if (!IsBlank(behind_name) && behind_name != '#') return Unexpected();
  }
  CROMT_ASSIGN(ItemList list, Items(has_parentheses ? ")" : ""));
  for (const Expression& item : list.items) CROMT_TRY(RefuseRange(item));
  if (has_parentheses) CROMT_TRY(Expect(")"));
  return std::move(list.items);
}

Status RecursiveParser::CheckArguments(const DslFunction& function, Position at, const Expressions& arguments) const {
  const size_t least = function.required, most = Arity(function);
  if (arguments.size() < least || arguments.size() > most) {
    const std::string count = least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most);
    return ErrorAt(at, fmt::format("{} takes {} argument{}", function.name, count, most == 1 ? "" : "s"));
  }
  std::vector<Takes> forms;
  for (const Expression& argument : arguments) forms.push_back(FormOf(argument));
  if (auto wrong = FindMisfit(function, forms)) return ErrorAt(arguments[wrong->argument].at, wrong->message);
  return {};
}

Result<Expression> RecursiveParser::AnyVariable() {
  const Position at = cursor_.at();
  const size_t size = cursor_.Peek() == '&' ? 0 : IdentifierBytes(cursor_.rest().substr(1));
  if (size == 0) return Unexpected();
  const std::string_view name = cursor_.rest().substr(0, size + 1);
  cursor_.Advance(name.size());
  CROMT_TRY(EndOfName());
  auto slot = scope_.Find(name);
  if (!slot) return ErrorAt(at, fmt::format("variable {} is not declared", name));
  if (name == "$_") ++topic_uses_;
  return Expression{at, Variable{name[0], *slot}};
}

// Behind a variable's name: Raku's names go on with letters beyond ASCII, and with ":name", ":<x>" and "::name".
Status RecursiveParser::EndOfName() const {
  const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  const char next = cursor_.Peek(1);
  const bool is_longer =
      cursor_.Peek() == ':' && (IsAlpha(next) || next == '<' || next == '[' || next == ':' || beyond_ascii(next));
  if (is_longer || beyond_ascii(cursor_.Peek())) return OutsideAt(cursor_.at(), "a longer name of a variable");
  return {};
}

// For a value that something keeps. A copy of a variable is as good as the variable as long as nothing assigns to it.
Status RecursiveParser::Hold(const Expression& kept, Holding holding) {
  if (const auto* variable = kept.As<Variable>()) {
    const bool is_kept = holding == Holding::kAll || variable->sigil != '$';
    if (is_kept && !scope_.Hold(variable->slot))
      return OutsideAt(kept.at, "a variable that is held here and assigned to elsewhere");
  }
  if (const auto* conditional = kept.As<Conditional>()) {
    CROMT_TRY(Hold(conditional->parts[1], holding));
    CROMT_TRY(Hold(conditional->parts[2], holding));
  }
  if (const auto* infix = kept.As<Infix>(); infix != nullptr && infix->operators[0] <= Operator::kAnd)
    for (const Expression& operand : infix->operands) CROMT_TRY(Hold(operand, holding));
  return {};
}

Result<Expression> RecursiveParser::Subscripts(Expression target) {
  const Position at = target.at;
  Subscript subscript;
  while (!subscript.each && (cursor_.Peek() == '<' || cursor_.Peek() == '[' || cursor_.Peek() == '{'))
    CROMT_TRY(TakeIndex(subscript));
  if (subscript.path.empty() && !subscript.each) return target;
  subscript.target.push_back(std::move(target));
  return Expression{at, std::move(subscript)};
}

// <key>, {"key"}, [0]; <> and [] for all items
Status RecursiveParser::TakeIndex(Subscript& subscript) {
  CROMT_TRY(CountExpression());
  const Position at = cursor_.at();
  if (cursor_.Take("<>") || cursor_.Take("[]")) {
    subscript.each = true;
    return {};
  }
  if (cursor_.Peek() == '<') {
    CROMT_ASSIGN(std::vector<std::string> words, Words());
    if (words.size() != 1) return OutsideAt(at, "<> with several keys");
    subscript.path.push_back({.is_key = true, .value = {at, StringLiteral{std::move(words[0])}}});
    return {};
  }
  const bool is_key = cursor_.Peek() == '{';
  cursor_.Advance(1);
  CROMT_TRY(cursor_.SkipBlanks());
  CROMT_ASSIGN(Expression value, Tight(Use::kValue));
  CROMT_TRY(Expect(is_key ? "}" : "]"));
  subscript.path.push_back({.is_key = is_key, .value = std::move(value)});
  return {};
}

}  // namespace cromt::step
