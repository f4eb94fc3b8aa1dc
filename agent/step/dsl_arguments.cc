#include "agent/step/dsl_arguments.h"

#include <fmt/format.h>

namespace cromt::step {
namespace {

struct Truth {
  bool operator()(std::monostate) const { return false; }
  bool operator()(bool value) const { return value; }
  bool operator()(int64_t value) const { return value != 0; }
  bool operator()(double value) const { return value != 0; }
  template <class Sized>
  bool operator()(const Sized& value) const {
    return !value.empty();
  }
};

bool IsScalar(const Value& value) {
  return !std::holds_alternative<std::monostate>(value.form) && !std::holds_alternative<Map>(value.form) &&
         !std::holds_alternative<List>(value.form);
}

}  // namespace

tl::unexpected<Error> DslArguments::Wrong(std::string_view why) const {
  return Fail(ErrorCode::kInvalid, fmt::format("{}: {}", function(), why));
}

Status DslArguments::Count(size_t least, size_t most) const {
  if (size() < least) return Wrong(fmt::format("it takes at least {} arguments, here are {}", least, size()));
  if (size() > most) return Wrong(fmt::format("it takes at most {} arguments, here are {}", most, size()));
  return {};
}

Result<std::string> DslArguments::Text(size_t i, std::string_view what) const {
  if (i >= size()) return Wrong(fmt::format("{} is missing", what));
  const Value& value = call_.arguments[i];
  if (!IsScalar(value)) return Wrong(fmt::format("{} must be text", what));
  std::string text = ShellText(value);
  if (text.empty()) return Wrong(fmt::format("{} is empty", what));
  return text;
}

Result<Map> DslArguments::Options(size_t i) const {
  if (i >= size()) return Map{};
  const Map* map = std::get_if<Map>(&call_.arguments[i].form);
  if (map == nullptr) return Wrong("its options must be a map: %( name => value )");
  return *map;
}

std::string OptionText(const Map& options, std::string_view name) {
  const Value* value = Find(options, name);
  return value != nullptr ? ShellText(*value) : "";
}

bool OptionIsOn(const Map& options, std::string_view name) {
  const Value* value = Find(options, name);
  return value != nullptr && std::visit(Truth{}, value->form);
}

}  // namespace cromt::step
