#include "agent/step/scenario/evaluator.h"

#include <fmt/format.h>

#include "agent/step/scenario/functions.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kBytesOfWork = 64;  // that many bytes of text are as much work as one value

Takes KindOf(const Datum& datum) {
  if (!datum.IsDefined()) return 0;
  return datum.AsSequence() != nullptr ? kList : datum.AsDictionary() != nullptr ? kMap : kText;
}

}  // namespace

tl::unexpected<Error> Evaluator::ErrorAt(Position at, std::string_view what, ErrorCode code) const {
  return Fail(code, fmt::format("{}:{}:{}: {}", file_, at.line, at.column, what));
}

tl::unexpected<Error> Evaluator::LimitAt(Position at, std::string_view what) const {
  return ErrorAt(at, what, ErrorCode::kExhausted);
}

// Gives an error without a place this one.
template <class T>
Result<T> Evaluator::At(Position at, Result<T> result) const {
  if (result) return result;
  return ErrorAt(at, result.error().message, result.error().code);
}

Status Evaluator::Spend(Position at, size_t work) {
  work_ += work;
  if (work_ > limits_.work) return LimitAt(at, "the scenario computes too much");
  return {};
}

tl::unexpected<Error> Evaluator::End(int exit_code, std::string error) {
  end_ = ScenarioEnd{exit_code, std::move(error)};
  return Fail(ErrorCode::kCanceled, "the scenario has ended");
}

Result<Datum> Evaluator::Evaluate(const Expression& expression) {
  CROMT_ASSIGN(Datum value, std::visit([&](const auto& form) { return Of(expression.at, form); }, expression.form));
  const Text* text = value.AsText();
  const size_t bytes = text != nullptr ? text->text.size() : 0;
  if (bytes > kMaxTextBytes)
    return LimitAt(expression.at, fmt::format("a text of more than {} MiB", kMaxTextBytes >> 20));
  CROMT_TRY(Spend(expression.at, 1 + bytes / kBytesOfWork));
  return value;
}

Result<std::vector<Datum>> Evaluator::Items(const Expression& expression) {
  CROMT_ASSIGN(Datum value, Evaluate(expression));
  const Sequence* list = value.AsSequence();
  std::vector<Datum> items;
  if (YieldOf(expression) == Yield::kEach && list != nullptr) {
    CROMT_TRY(Spend(expression.at, list->items.size()));
    items = list->items;
  } else {
    items.push_back(std::move(value));
  }
  return items;
}

Result<Datum> Evaluator::Of(Position, const StringLiteral& literal) {
  return Datum{Text{literal.text}};
}

Result<Datum> Evaluator::Of(Position, const IntegerLiteral& literal) {
  return Datum{literal.value};
}

Result<Datum> Evaluator::Of(Position, const BooleanLiteral& literal) {
  return Datum{literal.value};
}

Result<Datum> Evaluator::Of(Position at, const Interpolation& interpolation) {
  return Joined(at, interpolation.parts);
}

Result<Datum> Evaluator::Joined(Position at, const Expressions& parts) {
  std::string out;
  for (const Expression& part : parts) {
    CROMT_ASSIGN(Datum value, Evaluate(part));
    CROMT_TRY(Spend(part.at, ExtentOf(value).bytes / kBytesOfWork));
    CROMT_ASSIGN(std::string text, At(part.at, ToText(value)));
    out += text;
    if (out.size() > kMaxTextBytes) return LimitAt(at, fmt::format("a text of more than {} MiB", kMaxTextBytes >> 20));
  }
  return Datum{Text{std::move(out)}};
}

Result<Datum> Evaluator::Of(Position, const Variable& variable) {
  return slots_[variable.slot];
}

Result<Datum> Evaluator::Of(Position at, const EnvironmentVariable& variable) {
  CROMT_ASSIGN(Datum name, Evaluate(variable.name[0]));
  CROMT_ASSIGN(std::string text, At(at, ToText(name)));
  auto value = text.find('\0') == std::string::npos ? host_.Environment(text) : std::nullopt;
  return value ? Datum{Text{std::move(*value), true}} : Datum{};
}

Result<Datum> Evaluator::Of(Position at, const WorldValue& value) {
  switch (value.kind) {
    case WorldValue::Kind::kConfig: return At(at, FromValue(host_.Config()));
    case WorldValue::Kind::kTags: return At(at, FromValue(host_.Tags()));
    case WorldValue::Kind::kOs: return Datum{Text{host_.Os()}};
    case WorldValue::Kind::kCwd: return Datum{Text{host_.Cwd()}};
  }
  return Datum{};
}

Result<Datum> Evaluator::Of(Position at, const Subscript& subscript) {
  CROMT_ASSIGN(Datum value, Evaluate(subscript.target[0]));
  for (const Index& index : subscript.path) {
    CROMT_ASSIGN(value, Step(at, value, index));
  }
  return value;
}

Result<Datum> Evaluator::Step(Position at, const Datum& target, const Index& index) {
  CROMT_ASSIGN(Datum key, Evaluate(index.value));
  if (!index.is_key) return StepByPosition(at, target, key);
  CROMT_ASSIGN(std::string name, At(index.value.at, ToText(key)));
  if (!target.IsDefined()) return Datum{};
  const Dictionary* map = target.AsDictionary();
  if (map == nullptr) return ErrorAt(index.value.at, fmt::format("the key {} of what is no map", Quote(name)));
  CROMT_TRY(Spend(at, map->entries.size() / 16));
  const Datum* found = map->Find(name);
  return found != nullptr ? *found : Datum{};
}

// A value that is no list is a list of itself, as in Raku.
Result<Datum> Evaluator::StepByPosition(Position at, const Datum& target, const Datum& position) {
  CROMT_ASSIGN(Number number, At(at, ToNumber(position)));
  const auto* index = std::get_if<int64_t>(&number);
  if (index == nullptr || *index < 0) return ErrorAt(at, "an index that is no whole number from 0");
  if (!target.IsDefined()) return Datum{};
  if (target.AsDictionary() != nullptr) return ErrorAt(at, "[] of a map");
  const Sequence* list = target.AsSequence();
  const bool is_there = static_cast<uint64_t>(*index) < (list != nullptr ? list->items.size() : 1);
  if (is_there) return list != nullptr ? list->items[static_cast<size_t>(*index)] : target;
  if (list != nullptr && list->is_array) return Datum{};
  return ErrorAt(at, fmt::format("index {} is past the end", *index));
}

Result<Datum> Evaluator::Of(Position at, const ListLiteral& literal) {
  std::vector<Datum> items;
  if (literal.flattens) {
    CROMT_ASSIGN(items, Items(literal.items[0]));
  } else {
    for (const Expression& item : literal.items) {
      CROMT_ASSIGN(Datum value, Evaluate(item));
      items.push_back(std::move(value));
    }
  }
  return At(at, MakeSequence(std::move(items), literal.array));
}

Result<Datum> Evaluator::Of(Position at, const MapLiteral& literal) {
  std::vector<std::pair<std::string, Datum>> entries;
  for (const MapEntry& entry : literal.entries) {
    CROMT_ASSIGN(Datum key, Evaluate(entry.key));
    CROMT_ASSIGN(std::string name, At(entry.key.at, ToText(key)));
    CROMT_ASSIGN(Datum value, Evaluate(entry.value));
    entries.emplace_back(std::move(name), std::move(value));
  }
  return At(at, MakeDictionary(std::move(entries)));
}

Result<int64_t> Evaluator::IntegerOf(const Expression& expression) {
  CROMT_ASSIGN(Datum value, Evaluate(expression));
  CROMT_ASSIGN(Number number, At(expression.at, ToNumber(value)));
  if (const auto* integer = std::get_if<int64_t>(&number)) return *integer;
  return ErrorAt(expression.at, "a range to a fraction");
}

Result<Datum> Evaluator::Of(Position at, const Range& range) {
  CROMT_ASSIGN(int64_t first, IntegerOf(range.ends[0]));
  CROMT_ASSIGN(int64_t last, IntegerOf(range.ends[1]));
  std::vector<Datum> items;
  for (int64_t i = first; i < last || (i == last && !range.excludes_last); ++i) {
    if (items.size() == limits_.loop_items)
      return LimitAt(at, fmt::format("a range of more than {} numbers", limits_.loop_items));
    items.push_back({i});
    if (i == last) break;  // also where i can't grow
  }
  CROMT_TRY(Spend(at, items.size()));
  return At(at, MakeSequence(std::move(items), false));
}

Result<Datum> Evaluator::Of(Position, const Conditional& conditional) {
  CROMT_ASSIGN(Datum condition, Evaluate(conditional.parts[0]));
  return Evaluate(conditional.parts[IsTrue(condition) ? 1 : 2]);
}

Result<Datum> Evaluator::Of(Position at, const Call& call) {
  DslCall evaluated{.at = at, .function = call.function};
  std::vector<Takes> kinds;
  for (const Expression& argument : call.arguments) {
    CROMT_ASSIGN(Datum value, Evaluate(argument));
    if (!value.IsDefined()) return ErrorAt(argument.at, fmt::format("an argument of {} has no value", call.function));
    CROMT_TRY(Spend(argument.at, ExtentOf(value).bytes / kBytesOfWork));
    kinds.push_back(KindOf(value));
    evaluated.arguments.push_back(ToValue(value));
  }
  if (auto misfit = FindMisfit(*FindDslFunction(call.function), kinds))
    return ErrorAt(call.arguments[misfit->argument].at, misfit->message);
  DslOutcome outcome = host_.Call(evaluated);
  if (outcome.exit_code != 0) return End(outcome.exit_code, {});
  return At(at, FromValue(outcome.value));
}

Result<Datum> Evaluator::Of(Position at, const Builtin& call) {
  std::string text;
  Datum value;
  for (const Expression& argument : call.arguments) {
    CROMT_ASSIGN(value, Evaluate(argument));
    CROMT_TRY(Spend(argument.at, ExtentOf(value).bytes / kBytesOfWork));
    text += Gist(value);
    if (text.size() > kMaxTextBytes) return LimitAt(at, fmt::format("a text of more than {} MiB", kMaxTextBytes >> 20));
  }
  switch (call.kind) {
    case Builtin::Kind::kSay: host_.Say(text); return Datum{true};
    case Builtin::Kind::kDie: return End(1, ErrorAt(at, text.empty() ? "Died" : text).value().message);
    case Builtin::Kind::kExit: break;
  }
  CROMT_ASSIGN(Number code, At(at, ToNumber(value)));
  const auto* integer = std::get_if<int64_t>(&code);
  if (integer == nullptr) return ErrorAt(at, "exit with a fraction");
  return End(static_cast<int>(*integer & 0xFF), {});
}

Result<Datum> Evaluator::Of(Position at, const Assignment& assignment) {
  Datum value;
  const bool has_value = !assignment.value.empty();
  if (assignment.target.sigil == '@') {
    CROMT_ASSIGN(value, has_value ? AsArray(at, assignment.value[0]) : MakeSequence({}, true));
  } else if (assignment.target.sigil == '%') {
    CROMT_ASSIGN(value, has_value ? AsMap(at, assignment.value[0]) : MakeDictionary({}));
  } else if (has_value) {
    CROMT_ASSIGN(value, Evaluate(assignment.value[0]));
  }
  slots_[assignment.target.slot] = value;
  return value;
}

Result<Datum> Evaluator::AsArray(Position at, const Expression& value) {
  CROMT_ASSIGN(std::vector<Datum> items, Items(value));
  return At(at, MakeSequence(std::move(items), true));
}

Result<Datum> Evaluator::AsMap(Position at, const Expression& value) {
  CROMT_ASSIGN(Datum map, Evaluate(value));
  if (map.AsDictionary() == nullptr) return ErrorAt(at, "a map is made of what is no map");
  return map;
}

}  // namespace cromt::step
