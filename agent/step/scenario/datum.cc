#include "agent/step/scenario/datum.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "agent/step/scenario/characters.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kShownItems = 100;  // of a list or map, by say

Status Check(const Extent& extent) {
  if (extent.bytes > kMaxDatumBytes)
    return Fail(ErrorCode::kExhausted, fmt::format("a value of more than {} MiB", kMaxDatumBytes >> 20));
  if (extent.depth > kMaxDatumDepth)
    return Fail(ErrorCode::kExhausted, fmt::format("a value nested more than {} deep", kMaxDatumDepth));
  return {};
}

void Add(Extent& extent, const Datum& part) {
  const Extent inner = ExtentOf(part);
  extent.bytes += inner.bytes;
  extent.depth = std::max(extent.depth, inner.depth + 1);
}

struct Gister {
  std::string operator()(std::monostate) const { return "(Any)"; }
  std::string operator()(const Text& text) const { return text.text; }
  std::string operator()(int64_t number) const { return std::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "True" : "False"; }
  std::string operator()(double number) const { return fmt::format("{}", number); }
  std::string operator()(const std::shared_ptr<const Sequence>& list) const {
    std::string out;
    for (size_t i = 0; i < list->items.size() && i <= kShownItems; ++i) {
      if (i > 0) out += ' ';
      out += i < kShownItems ? Gist(list->items[i]) : "...";
    }
    return list->is_array ? "[" + out + "]" : "(" + out + ")";
  }
  std::string operator()(const std::shared_ptr<const Dictionary>& map) const {
    std::vector<const std::pair<std::string, Datum>*> sorted;
    for (const auto& entry : map->entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    std::string out;
    for (size_t i = 0; i < sorted.size() && i <= kShownItems; ++i) {
      if (i > 0) out += ", ";
      out += i < kShownItems ? sorted[i]->first + " => " + Gist(sorted[i]->second) : "...";
    }
    return "{" + out + "}";
  }
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// [+-]digits[.digits], nullopt for anything else.
std::optional<Number> ReadNumber(std::string_view text) {
  text = Trimmed(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (auto [rest, error] = std::from_chars(text.data(), end, integer); error == std::errc() && rest == end)
    return integer;
  double fraction = 0;
  const bool is_plain = text.find_first_not_of("-0123456789.") == std::string_view::npos && text.size() <= 16;
  auto [rest, error] = std::from_chars(text.data(), end, fraction, std::chars_format::fixed);
  if (!is_plain || error != std::errc() || rest != end || text.ends_with('.')) return std::nullopt;
  return fraction;
}

bool IsZero(const Number& number) {
  return std::visit([](auto value) { return value == 0; }, number);
}

}  // namespace

const Sequence* Datum::AsSequence() const {
  const auto* list = std::get_if<std::shared_ptr<const Sequence>>(&form);
  return list != nullptr ? list->get() : nullptr;
}

const Dictionary* Datum::AsDictionary() const {
  const auto* map = std::get_if<std::shared_ptr<const Dictionary>>(&form);
  return map != nullptr ? map->get() : nullptr;
}

const Datum* Dictionary::Find(std::string_view key) const {
  auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == key; });
  return found != entries.end() ? &found->second : nullptr;
}

Extent ExtentOf(const Datum& datum) {
  if (const Text* text = datum.AsText()) return {.bytes = 1 + text->text.size()};
  if (const Sequence* list = datum.AsSequence()) return list->extent;
  if (const Dictionary* map = datum.AsDictionary()) return map->extent;
  return {};
}

Result<Datum> MakeSequence(std::vector<Datum> items, bool is_array) {
  Sequence list{.items = std::move(items), .is_array = is_array, .extent = {}};
  for (const Datum& item : list.items) Add(list.extent, item);
  CROMT_TRY(Check(list.extent));
  return Datum{std::make_shared<const Sequence>(std::move(list))};
}

Result<Datum> MakeDictionary(std::vector<std::pair<std::string, Datum>> entries) {
  Dictionary map;
  std::unordered_map<std::string, size_t> last;
  for (size_t i = 0; i < entries.size(); ++i) last[entries[i].first] = i;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (last[entries[i].first] != i) continue;
    map.extent.bytes += entries[i].first.size();
    Add(map.extent, entries[i].second);
    map.entries.push_back(std::move(entries[i]));
  }
  CROMT_TRY(Check(map.extent));
  return Datum{std::make_shared<const Dictionary>(std::move(map))};
}

namespace {

Result<Datum> FromValueAt(const Value& value, size_t depth) {
  CROMT_TRY(Check({.depth = depth}));
  if (const auto* text = std::get_if<std::string>(&value.form)) return Datum{Text{*text}};
  if (const auto* number = std::get_if<int64_t>(&value.form)) return Datum{*number};
  if (const auto* flag = std::get_if<bool>(&value.form)) return Datum{*flag};
  if (const auto* fraction = std::get_if<double>(&value.form)) return Datum{*fraction};
  if (const auto* list = std::get_if<List>(&value.form)) {
    std::vector<Datum> items;
    for (const Value& item : *list) {
      CROMT_ASSIGN(Datum datum, FromValueAt(item, depth + 1));
      items.push_back(std::move(datum));
    }
    return MakeSequence(std::move(items), true);
  }
  const auto* map = std::get_if<Map>(&value.form);
  if (map == nullptr) return Datum{};
  std::vector<std::pair<std::string, Datum>> entries;
  for (const Entry& entry : *map) {
    CROMT_ASSIGN(Datum datum, FromValueAt(entry.value, depth + 1));
    entries.emplace_back(entry.key, std::move(datum));
  }
  return MakeDictionary(std::move(entries));
}

struct Valuer {
  Value operator()(std::monostate) const { return {}; }
  Value operator()(const Text& text) const { return {text.text}; }
  Value operator()(const std::shared_ptr<const Sequence>& list) const {
    List values;
    for (const Datum& item : list->items) values.push_back(ToValue(item));
    return {std::move(values)};
  }
  Value operator()(const std::shared_ptr<const Dictionary>& map) const {
    Map values;
    for (const auto& [key, value] : map->entries) values.push_back({key, ToValue(value)});
    return {std::move(values)};
  }
  template <class Scalar>
  Value operator()(Scalar scalar) const {
    return {scalar};
  }
};

}  // namespace

Result<Datum> FromValue(const Value& value) {
  return FromValueAt(value, 0);
}

Value ToValue(const Datum& datum) {
  return std::visit(Valuer(), datum.form);
}

std::string Gist(const Datum& datum) {
  return std::visit(Gister(), datum.form);
}

Result<std::string> ToText(const Datum& datum) {
  if (!datum.IsDefined()) return "";
  if (datum.AsDictionary() != nullptr) return Fail(ErrorCode::kInvalid, "a map as text: its order would be chance");
  const Sequence* list = datum.AsSequence();
  if (list == nullptr) return Gist(datum);
  std::string out;
  for (const Datum& item : list->items) {
    CROMT_ASSIGN(std::string text, ToText(item));
    if (&item != list->items.data()) out += ' ';
    out += text;
  }
  return out;
}

bool IsTrue(const Datum& datum) {
  if (const Text* text = datum.AsText()) {
    if (text->text.empty()) return false;
    const auto number = text->from_environment ? ReadNumber(text->text) : std::nullopt;
    return !number || !IsZero(*number);
  }
  if (const Sequence* list = datum.AsSequence()) return !list->items.empty();
  if (const Dictionary* map = datum.AsDictionary()) return !map->entries.empty();
  auto number = ToNumber(datum);
  return number && !IsZero(*number);
}

Result<Number> ToNumber(const Datum& datum) {
  if (!datum.IsDefined()) return Number(int64_t{0});
  if (const auto* number = std::get_if<int64_t>(&datum.form)) return Number(*number);
  if (const auto* flag = std::get_if<bool>(&datum.form)) return Number(int64_t{*flag});
  if (const auto* fraction = std::get_if<double>(&datum.form)) return Number(*fraction);
  if (const Sequence* list = datum.AsSequence()) return Number(static_cast<int64_t>(list->items.size()));
  if (const Dictionary* map = datum.AsDictionary()) return Number(static_cast<int64_t>(map->entries.size()));
  const std::string& text = datum.AsText()->text;
  if (Trimmed(text).empty()) return Number(int64_t{0});
  if (auto number = ReadNumber(text)) return *number;
  return Fail(ErrorCode::kInvalid, fmt::format("{} is no plain number", Quote(text)));
}

}  // namespace cromt::step
