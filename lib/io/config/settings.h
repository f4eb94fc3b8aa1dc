// The programs' own config files: YAML, any flag as a key, and keys without a flag. Each program says which keys it
// knows; unknown keys, duplicates and wrong shapes are errors, all of them at once, each with its place.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt {

enum class SettingKind {
  kText,
  kNumber,  // whole
  kFlag,    // true, false, yes, no, on, off
  kList,    // of texts; one text stands for a list of it
  kMap,     // of texts to texts
};

struct SettingSpec {
  std::string_view key;  // "git.rewrite" is the key `rewrite` in the map `git`
  SettingKind kind;
};

// What a file said. What it did not say, or left empty, is nullopt or empty. Immutable.
class Settings {
 public:
  std::optional<std::string> Text(std::string_view key) const;
  std::optional<int64_t> Number(std::string_view key) const;
  std::optional<bool> Flag(std::string_view key) const;
  std::vector<std::string> List(std::string_view key) const;
  std::map<std::string, std::string> Map(std::string_view key) const;

 private:
  friend class SettingsReader;
  struct Value {
    std::string text;
    int64_t number = 0;
    bool flag = false;
    std::vector<std::string> list;
    std::map<std::string, std::string> map;
  };
  const Value* Find(std::string_view key) const;

  std::map<std::string, Value, std::less<>> values_;
};

// kInvalid with all errors, one a line. `name` is what messages call the text.
Result<Settings> ReadSettings(std::string text, const std::string& name, std::span<const SettingSpec> specs);

// The same for a file. A missing one is kNotFound if it was asked for by name (`required`), else without settings.
Result<Settings> LoadSettings(const std::string& path, std::span<const SettingSpec> specs, bool required);

// `url` with the longest prefix that `rewrite` knows replaced: {"https://github.com/": "file:///srv/git/"}.
std::string GitRewrite(const std::map<std::string, std::string>& rewrite, const std::string& url);

}  // namespace cromt
