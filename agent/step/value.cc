#include "agent/step/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace cromt::step {
namespace {

std::string MapText(const Map& map) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : map) pairs.push_back(fmt::format("{} => {}", key, ShellText(value)));
  std::sort(pairs.begin(), pairs.end());  // as Raku prints a hash
  return fmt::format("{{{}}}", fmt::join(pairs, ", "));
}

std::string ListText(const List& list) {
  std::vector<std::string> items;
  for (const Value& value : list) items.push_back(ShellText(value));
  return fmt::format("({})", fmt::join(items, " "));
}

void AppendJson(const Value& value, std::string& out);

void AppendJson(const List& list, std::string& out) {
  out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ',';
    AppendJson(list[i], out);
  }
  out += ']';
}

void AppendJson(const Map& map, std::string& out) {
  out += '{';
  for (size_t i = 0; i < map.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(map[i].key, out);
    out += ':';
    AppendJson(map[i].value, out);
  }
  out += '}';
}

void AppendJson(const Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&value.form)) {
    AppendJsonString(*text, out);
  } else if (const auto* number = std::get_if<int64_t>(&value.form)) {
    out += std::to_string(*number);
  } else if (const auto* flag = std::get_if<bool>(&value.form)) {
    out += *flag ? "true" : "false";
  } else if (const auto* fraction = std::get_if<double>(&value.form); fraction && std::isfinite(*fraction)) {
    out += fmt::format("{}", *fraction);
  } else if (const auto* list = std::get_if<List>(&value.form)) {
    AppendJson(*list, out);
  } else if (const auto* map = std::get_if<Map>(&value.form)) {
    AppendJson(*map, out);
  } else {
    out += "null";
  }
}

void AppendPaths(const std::string& prefix, const Map& map, std::vector<std::pair<std::string, std::string>>& out) {
  for (const auto& [key, value] : map) {
    if (key.find('.') != std::string::npos) continue;
    out.emplace_back(prefix + key, ShellText(value));
    if (const auto* inner = std::get_if<Map>(&value.form)) AppendPaths(prefix + key + ".", *inner, out);
  }
}

std::string Flag(std::string_view name) {
  return fmt::format("{}{}", name.starts_with('-') ? "" : "--", name);
}

void AppendWords(const Value& item, std::vector<std::string>& words) {
  if (const auto* list = std::get_if<List>(&item.form)) {
    for (const Value& name : *list) words.push_back(Flag(ShellText(name)));
  } else if (const auto* map = std::get_if<Map>(&item.form)) {
    for (const auto& [name, value] : *map) {
      const std::string text = ShellText(value);
      const bool joined = text.substr(std::min(text.find_first_not_of(" \t\n"), text.size())).starts_with('=');
      words.push_back(Flag(name) + (joined ? "" : " ") + text);
    }
  } else {
    words.push_back(ShellText(item));
  }
}

}  // namespace

const Value* Find(const Map& map, std::string_view key) {
  auto found = std::find_if(map.begin(), map.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == map.end() ? nullptr : &found->value;
}

void Set(Map& map, std::string key, Value value) {
  auto found = std::find_if(map.begin(), map.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found == map.end())
    map.push_back({std::move(key), std::move(value)});
  else
    found->value = std::move(value);
}

Map MergeMaps(Map base, const Map& over) {
  for (const auto& [key, value] : over) {
    const Value* known = Find(base, key);
    const Map* below = known ? std::get_if<Map>(&known->form) : nullptr;
    const Map* above = std::get_if<Map>(&value.form);
    Set(base, key, below && above ? Value{MergeMaps(*below, *above)} : value);
  }
  return base;
}

std::string ShellText(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.form)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value.form)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value.form)) return *flag ? "True" : "False";
  if (const auto* fraction = std::get_if<double>(&value.form)) return fmt::format("{}", *fraction);
  if (const auto* list = std::get_if<List>(&value.form)) return ListText(*list);
  if (const auto* map = std::get_if<Map>(&value.form)) return MapText(*map);
  return {};
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string JsonText(const Map& map) {
  std::string out;
  AppendJson(map, out);
  return out;
}

std::vector<std::pair<std::string, std::string>> DottedPaths(const Map& map) {
  std::vector<std::pair<std::string, std::string>> out;
  AppendPaths("", map, out);
  return out;
}

void JoinArgs(Map& parameters) {
  for (auto& [key, value] : parameters) {
    const auto* list = std::get_if<List>(&value.form);
    if (key != "args" || list == nullptr) continue;
    std::vector<std::string> words;
    for (const Value& item : *list) AppendWords(item, words);
    value.form = fmt::format("{}", fmt::join(words, " "));
  }
}

}  // namespace cromt::step
