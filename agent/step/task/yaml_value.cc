#include "agent/step/task/yaml_value.h"

#include <fmt/format.h>

#include <charconv>

#include "core/diagnostic.h"
#include "io/yaml/yaml_tree.h"

namespace cromt::step {
namespace {

template <class Number>
std::optional<Number> NumberOf(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Value Scalar(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return {true};
  if (text == "false" || text == "False" || text == "FALSE") return {false};
  if (text.find_first_not_of("+-.0123456789eE") == std::string_view::npos) {
    if (auto integer = NumberOf<int64_t>(text)) return {*integer};
    if (auto fraction = NumberOf<double>(text)) return {*fraction};
  }
  return {std::string(text)};
}

// The depth of a tree is bounded.
Value FromYaml(YamlNode node) {
  switch (node.kind()) {
    case YamlKind::kNull: return {};
    case YamlKind::kText: return node.is_plain() ? Scalar(node.text()) : Value{std::string(node.text())};
    case YamlKind::kList: {
      List list;
      for (YamlNode item = node.first(); item; item = item.next()) list.push_back(FromYaml(item));
      return {std::move(list)};
    }
    case YamlKind::kMap: break;
  }
  Map map;
  for (YamlNode key = node.first(); key; key = key.next().next())
    map.push_back({std::string(key.text()), FromYaml(key.next())});
  return {std::move(map)};
}

}  // namespace

Result<Map> ParseYamlMap(std::string text, const std::string& file) {
  Diagnostics diagnostics(file);
  const auto tree = YamlTree::Read(std::move(text), diagnostics);
  if (tree && tree->root().kind() != YamlKind::kMap && !tree->root().is_null())
    diagnostics.Error(tree->root().at(), fmt::format("{} where a map is meant", ToString(tree->root().kind())));
  for (const Diagnostic& first : diagnostics.Take())
    if (first.severity == Severity::kError) return Fail(ErrorCode::kInvalid, ToString(first));
  Value value = FromYaml(tree->root());
  Map* map = std::get_if<Map>(&value.form);
  return map ? std::move(*map) : Map{};
}

}  // namespace cromt::step
