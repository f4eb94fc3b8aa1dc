#include "agent/step/task/yaml_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/diagnostic.h"
#include "io/yaml/yaml_tree.h"

namespace cromt::step {
namespace {

constexpr std::string_view kDigits = "0123456789";

// Without its digits in front; nullopt if there are none.
std::optional<std::string_view> SkipDigits(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of(kDigits), text.size());
  if (end == 0) return std::nullopt;
  return text.substr(end);
}

template <class Number>
std::optional<Number> Convert(std::string_view text, auto... how) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, how...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// As Sparrow's reader of YAML has them, which is the core schema of YAML 1.2 in part: 007, .5 and 5. are texts, 1.10 is
// a number. So is one too large to be held, which keeps its digits.
std::optional<Value> Number(std::string_view text) {
  for (const auto& [prefix, base] : {std::pair("0x", 16), std::pair("0o", 8)})
    if (text.starts_with(prefix))
      if (auto integer = Convert<int64_t>(text.substr(2), base); integer && *integer >= 0) return Value{*integer};
  const bool has_plus = text.starts_with('+');
  if (has_plus) text.remove_prefix(1);
  const std::string_view unsigned_text = text.substr(!has_plus && text.starts_with('-') ? 1 : 0);
  auto rest = SkipDigits(unsigned_text);
  if (!rest || (unsigned_text[0] == '0' && unsigned_text.size() - rest->size() > 1)) return std::nullopt;
  if (rest->empty()) {
    auto integer = Convert<int64_t>(text);
    if (!integer) return std::nullopt;
    return Value{*integer};
  }
  if (rest->starts_with('.') && !(rest = SkipDigits(rest->substr(1)))) return std::nullopt;
  if (!rest->empty() && rest->front() != 'e' && rest->front() != 'E') return std::nullopt;
  auto fraction = Convert<double>(text);
  if (!fraction) return std::nullopt;
  return Value{*fraction};
}

Value Scalar(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (std::string_view word : {"y", "yes", "true", "on"})
    if (lower == word) return {true};
  for (std::string_view word : {"n", "no", "false", "off"})
    if (lower == word) return {false};
  if (auto number = Number(text)) return *number;
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
