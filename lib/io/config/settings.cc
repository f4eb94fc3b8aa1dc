#include "io/config/settings.h"

#include <fmt/format.h>

#include <charconv>

#include "base/name.h"
#include "io/config/flag_word.h"
#include "io/config/read_file.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

class SettingsReader {
 public:
  SettingsReader(std::span<const SettingSpec> specs, Diagnostics& diagnostics)
      : specs_(specs), diagnostics_(diagnostics) {}

  Settings Read(YamlNode root) {
    if (root.kind() == YamlKind::kMap)
      ReadMap(root, "");
    else if (!root.is_null())
      diagnostics_.Error(root.at(), fmt::format("{} where a map of settings is meant", ToString(root.kind())));
    return std::move(settings_);
  }

 private:
  // The keys of `map`, which are called `prefix` and their name. A prefix of dotted keys has no further level.
  void ReadMap(YamlNode map, const std::string& prefix) {
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      std::string name = prefix + std::string(key.text());
      if (const SettingSpec* spec = Find(name))
        ReadValue(*spec, key.next());
      else if (prefix.empty() && IsPrefix(name + "."))
        ReadGroup(name, key.next());
      else
        Unknown(key, name);
    }
  }

  void ReadGroup(const std::string& name, YamlNode value) {
    if (value.kind() == YamlKind::kMap)
      ReadMap(value, name + ".");
    else if (!value.is_null())
      Wrong(value, name, "a map");
  }

  void ReadValue(const SettingSpec& spec, YamlNode value) {
    if (value.is_null()) return;
    Settings::Value read;
    read.text = value.text();
    switch (spec.kind) {
      case SettingKind::kText:
        if (value.kind() != YamlKind::kText) return Wrong(value, spec.key, "text");
        break;
      case SettingKind::kNumber:
        if (!ReadNumber(value.text(), read.number)) return Wrong(value, spec.key, "a whole number");
        break;
      case SettingKind::kFlag: {
        auto flag = FlagWord(value.text());
        if (!flag) return Wrong(value, spec.key, "true or false");
        read.flag = *flag;
        break;
      }
      case SettingKind::kList: ReadList(spec, value, read.list); break;
      case SettingKind::kMap: ReadTexts(spec, value, read.map); break;
    }
    settings_.values_[std::string(spec.key)] = std::move(read);
  }

  static bool ReadNumber(std::string_view text, int64_t& number) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  }

  void ReadList(const SettingSpec& spec, YamlNode value, std::vector<std::string>& list) {
    if (value.kind() == YamlKind::kText) return list.emplace_back(value.text()), void();
    if (value.kind() != YamlKind::kList) return Wrong(value, spec.key, "a list");
    for (YamlNode item = value.first(); item; item = item.next()) {
      if (item.kind() != YamlKind::kText) return Wrong(item, spec.key, "a list of texts");
      list.emplace_back(item.text());
    }
  }

  void ReadTexts(const SettingSpec& spec, YamlNode value, std::map<std::string, std::string>& map) {
    if (value.kind() != YamlKind::kMap) return Wrong(value, spec.key, "a map");
    for (YamlNode key = value.first(); key; key = key.next().next()) {
      YamlNode item = key.next();
      if (item.kind() == YamlKind::kMap || item.kind() == YamlKind::kList)
        return Wrong(item, spec.key, "a map of texts");
      map.emplace(key.text(), item.text());
    }
  }

  const SettingSpec* Find(std::string_view key) const {
    for (const SettingSpec& spec : specs_)
      if (spec.key == key) return &spec;
    return nullptr;
  }

  bool IsPrefix(std::string_view prefix) const {
    for (const SettingSpec& spec : specs_)
      if (spec.key.starts_with(prefix)) return true;
    return false;
  }

  void Unknown(YamlNode key, std::string_view name) {
    std::vector<std::string_view> names;
    for (const SettingSpec& spec : specs_) names.push_back(spec.key);
    diagnostics_.Error(key.at(), fmt::format("unknown key {}{}", Quote(name), DidYouMean(name, names)));
  }

  void Wrong(YamlNode value, std::string_view key, std::string_view meant) {
    std::string found = value.kind() == YamlKind::kText ? Quote(value.text()) : std::string(ToString(value.kind()));
    diagnostics_.Error(value.at(), fmt::format("'{}': {} where {} is meant", key, found, meant));
  }

  std::span<const SettingSpec> specs_;
  Diagnostics& diagnostics_;
  Settings settings_;
};

const Settings::Value* Settings::Find(std::string_view key) const {
  auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::string> Settings::Text(std::string_view key) const {
  const Value* value = Find(key);
  return value ? std::optional(value->text) : std::nullopt;
}

std::optional<int64_t> Settings::Number(std::string_view key) const {
  const Value* value = Find(key);
  return value ? std::optional(value->number) : std::nullopt;
}

std::optional<bool> Settings::Flag(std::string_view key) const {
  const Value* value = Find(key);
  return value ? std::optional(value->flag) : std::nullopt;
}

std::vector<std::string> Settings::List(std::string_view key) const {
  const Value* value = Find(key);
  return value ? value->list : std::vector<std::string>();
}

std::map<std::string, std::string> Settings::Map(std::string_view key) const {
  const Value* value = Find(key);
  return value ? value->map : std::map<std::string, std::string>();
}

Result<Settings> ReadSettings(std::string text, const std::string& name, std::span<const SettingSpec> specs) {
  Diagnostics diagnostics(name);
  Settings settings;
  if (auto tree = YamlTree::Read(std::move(text), diagnostics))
    settings = SettingsReader(specs, diagnostics).Read(tree->root());
  if (diagnostics.ok()) return settings;
  return Fail(ErrorCode::kInvalid, ErrorText(diagnostics.Take()));
}

Result<Settings> LoadSettings(const std::string& path, std::span<const SettingSpec> specs, bool required) {
  auto text = ReadFile(path, kMaxYamlBytes);
  if (!text && !required && text.error().code == ErrorCode::kNotFound) return Settings();
  if (!text) return tl::unexpected(text.error());
  return ReadSettings(std::move(*text), path, specs);
}

std::string GitRewrite(const std::map<std::string, std::string>& rewrite, const std::string& url) {
  const std::pair<const std::string, std::string>* best = nullptr;
  for (const auto& rule : rewrite)
    if (url.starts_with(rule.first) && (!best || rule.first.size() > best->first.size())) best = &rule;
  return best ? best->second + url.substr(best->first.size()) : url;
}

}  // namespace cromt
