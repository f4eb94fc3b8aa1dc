// Reads the values that project, dependency entry and host entry share (action, vars, url, timeout, …), artifacts, and
// texts in general. What is wrong goes to the diagnostics with its place; what is unset (nothing, or empty) is nullopt.
// Not thread-safe; one for each file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/job_file.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

class ValueReader {
 public:
  // `diagnostics` must outlive it.
  explicit ValueReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // Text as written.
  std::optional<std::string> Text(std::string_view key, YamlNode value);

  // Text in which `${{ … }}` is an error that says to use `$NAME`: run, action, path.
  std::optional<std::string> ShellText(std::string_view key, YamlNode value);

  // Raw text (core/template.h) that is needed before a host is known, so `${{ env… }}` is an error. Parameters are not
  // built yet: added to `unbuilt`.
  std::optional<std::string> RawText(std::string_view key, YamlNode value, std::vector<Unbuilt>& unbuilt);

  std::optional<AgentAddress> Url(std::string_view key, YamlNode value);

  // All REQUIRE: its shape was checked.
  std::shared_ptr<const Artifacts> ReadArtifacts(YamlNode map, std::vector<Unbuilt>& unbuilt);
  std::shared_ptr<const Pool> ReadPool(YamlNode map);
  std::string Ref(std::string_view key, YamlNode value, std::vector<Unbuilt>& unbuilt);

  // Reads one of the shared keys into `set`; false if `key` is none of them.
  bool Shared(std::string_view key, YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt);

 private:
  struct Vars {
    std::shared_ptr<const Variables> list;
    std::optional<Position> first_params;
  };

  void CheckTemplates(std::string_view key, YamlNode value, bool env_allowed, std::vector<Unbuilt>& unbuilt);
  void SetUrl(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt);
  static void SetSecrets(YamlNode value, Overrides& set);
  void SetContainer(std::string_view key, YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt);
  bool Scheduling(std::string_view key, YamlNode value, Overrides& set);
  void Action(YamlNode value, Overrides& set);
  void Options(YamlNode value, Overrides& set);
  void Title(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt);
  void SetVars(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt);
  Vars ReadVars(YamlNode map);
  void ReadVariable(YamlNode key, YamlNode value, Variables& variables, std::optional<Position>& first_params);
  void AddUnbuilt(std::string key, Position at, std::vector<Unbuilt>& unbuilt);

  Diagnostics& diagnostics_;
  std::unordered_map<uint32_t, Vars> vars_;  // by node: a map that aliases repeat is read once
};

// "'crontab' is not built yet: what uses it can't be started".
std::string NotBuilt(std::string_view key);

}  // namespace cromt
