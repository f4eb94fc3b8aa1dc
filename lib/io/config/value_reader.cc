#include "io/config/value_reader.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/name.h"
#include "core/action.h"
#include "core/artifact.h"
#include "core/template.h"
#include "core/variables.h"
#include "io/config/container_reader.h"
#include "io/config/job_shapes.h"

namespace cromt {
namespace {

constexpr std::string_view kMalformed =
    "'${{' begins neither ${{ vars.NAME }} nor ${{ env.NAME }} nor ${{ params.NAME }}; write '$${{' for the text "
    "itself";

// True if Cromtit, which pasted values into a shell, would have replaced a part of `text`.
bool HasShellVariable(std::string_view text) {
  for (size_t i = text.find('$'); i != text.npos && i + 1 < text.size(); i = text.find('$', i + 1)) {
    std::string_view rest = text.substr(i + 1);
    if (rest.starts_with('{')) rest.remove_prefix(1);
    if (!rest.empty() && IsVariableName(rest.substr(0, 1))) return true;
  }
  return false;
}

}  // namespace

std::string NotBuilt(std::string_view key) {
  return fmt::format("'{}' is not built yet: what uses it can't be started", key);
}

void ValueReader::AddUnbuilt(std::string key, Position at, std::vector<Unbuilt>& unbuilt) {
  diagnostics_.Warning(at, NotBuilt(key));
  unbuilt.push_back({std::move(key), at});
}

std::optional<std::string> ValueReader::Text(std::string_view key, YamlNode value) {
  if (value.kind() == YamlKind::kList || value.kind() == YamlKind::kMap)
    diagnostics_.Error(value.at(), fmt::format("'{}': {} where text is meant", key, ToString(value.kind())));
  if (value.text().empty()) return std::nullopt;
  return std::string(value.text());
}

std::optional<std::string> ValueReader::ShellText(std::string_view key, YamlNode value) {
  auto text = Text(key, value);
  if (!text) return text;
  const TemplateScan scan = ScanTemplates(*text);
  if (scan.any() || scan.malformed)
    diagnostics_.Error(value.at(), fmt::format("'{}' takes no ${{{{ }}}}: set a variable in vars and write $NAME{}",
                                               key, key == "run" ? "" : " in the scenario"));
  return Unescape(*text);
}

void ValueReader::CheckTemplates(std::string_view key, YamlNode value, bool env_allowed,
                                 std::vector<Unbuilt>& unbuilt) {
  const TemplateScan scan = ScanTemplates(value.text());
  if (scan.malformed) diagnostics_.Error(value.at(), fmt::format("'{}': {}", key, kMalformed));
  if (scan.env && !env_allowed)
    diagnostics_.Error(value.at(), fmt::format("'{}': ${{{{ env… }}}} is known on the host only, and this is needed "
                                               "before there is one; use it in vars or in an artifact's path",
                                               key));
  if (scan.params) AddUnbuilt(fmt::format("${{{{ params }}}} in {}", key), value.at(), unbuilt);
}

std::optional<std::string> ValueReader::RawText(std::string_view key, YamlNode value, std::vector<Unbuilt>& unbuilt) {
  auto text = Text(key, value);
  if (text) CheckTemplates(key, value, false, unbuilt);
  return text;
}

std::optional<AgentAddress> ValueReader::Url(std::string_view key, YamlNode value) {
  auto text = Text(key, value);
  if (!text) return std::nullopt;
  auto address = ParseAgentUrl(*text);
  if (address) return *address;
  diagnostics_.Error(value.at(), fmt::format("'{}': {}", key, address.error().message));
  return std::nullopt;
}

// One with a template is parsed once it is filled in.
void ValueReader::SetUrl(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt) {
  if (!ScanTemplates(value.text()).any()) {
    set.url = Url("url", value);
  } else if (auto text = RawText("url", value, unbuilt)) {
    set.url_template = std::move(*text);
  }
}

std::string ValueReader::Ref(std::string_view key, YamlNode value, std::vector<Unbuilt>& unbuilt) {
  return RawText(key, value, unbuilt).value_or("");
}

bool ValueReader::Shared(std::string_view key, YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt) {
  if (key == "action")
    Action(value, set);
  else if (key == "options")
    Options(value, set);
  else if (key == "vars")
    SetVars(value, set, unbuilt);
  else if (key == "url")
    SetUrl(value, set, unbuilt);
  else if (key == "title")
    Title(value, set, unbuilt);
  else if (key == "container" || key == "sparrowdo" || key == "resources")
    SetContainer(key, value, set, unbuilt);
  else if (key == "secrets")
    SetSecrets(value, set);
  else
    return Scheduling(key, value, set);
  return true;
}

// Its shape was checked.
void ValueReader::SetSecrets(YamlNode value, Overrides& set) {
  if (value.kind() != YamlKind::kList) return;
  std::vector<SecretUse> uses;
  for (YamlNode entry = value.first(); entry; entry = entry.next()) {
    SecretUse& use = uses.emplace_back();
    for (YamlNode key = entry.first(); key; key = key.next().next()) FieldOf(use, key.text()) = key.next().text();
  }
  set.secrets = std::make_shared<const std::vector<SecretUse>>(std::move(uses));
}

void ValueReader::SetContainer(std::string_view key, YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt) {
  ContainerKeys keys = set.container ? *set.container : ContainerKeys();
  if (key == "container")
    ReadContainer(value, keys, diagnostics_);
  else if (key == "sparrowdo")
    ReadSparrowdo(value, keys, diagnostics_);
  else
    ReadResources(value, keys, unbuilt, diagnostics_);
  if (!(keys == ContainerKeys())) set.container = std::make_shared<const ContainerKeys>(std::move(keys));
}

bool ValueReader::Scheduling(std::string_view key, YamlNode value, Overrides& set) {
  const bool unset = value.kind() != YamlKind::kMap && value.text().empty();
  if (key == "queue-id") {
    if (unset) return true;
    set.lane.emplace();
    if (value.kind() != YamlKind::kMap) set.lane->name = value.text();
    if (value.kind() != YamlKind::kMap) return true;
    for (YamlNode k = value.first(); k; k = k.next().next()) {
      if (k.text() == "name") set.lane->name = k.next().text();
      if (k.text() == "scope") set.lane->per_agent = k.next().text() == "agent";
    }
  } else if (key == "timeout") {
    if (!unset) set.timeout = DurationOf(value.text());
  } else if (key == "grace") {
    if (!unset) set.grace = DurationOf(value.text());
  } else if (key == "retries") {
    if (!unset) set.retries = CountOf(value.text());
  } else if (key == "retry_delay") {
    if (!unset) set.retry_delay = DurationOf(value.text());
  } else if (key == "retry_backoff") {
    if (!unset) set.retry_backoff_permille = PermilleOf(value.text());
  } else {
    return false;
  }
  return true;
}

namespace {

// One entry of `in` or `out`: a name, or a map.
struct ArtifactWords {
  std::string_view name;
  std::optional<YamlNode> path;
  bool all_hosts = false;
};

ArtifactWords WordsOf(YamlNode entry) {
  ArtifactWords words;
  if (entry.kind() != YamlKind::kMap) {
    words.name = entry.text();
    return words;
  }
  for (YamlNode key = entry.first(); key; key = key.next().next()) {
    if (key.text() == "file") words.name = key.next().text();
    if (key.text() == "path") words.path = key.next();
    words.all_hosts |= key.text() == "hosts";
  }
  return words;
}

}  // namespace

std::shared_ptr<const Artifacts> ValueReader::ReadArtifacts(YamlNode map, std::vector<Unbuilt>& unbuilt) {
  if (map.kind() != YamlKind::kMap) return nullptr;
  auto artifacts = std::make_shared<Artifacts>();
  for (YamlNode list = map.first(); list; list = list.next().next()) {
    const bool is_in = list.text() == "in";
    if (list.next().size() > kMaxArtifacts)
      diagnostics_.Error(list.at(), fmt::format("'artifacts': more than {} in '{}'", kMaxArtifacts, list.text()));
    std::unordered_set<std::string_view> seen;
    if (list.next().kind() != YamlKind::kList) continue;
    for (YamlNode entry = list.next().first(); entry; entry = entry.next()) {
      ArtifactWords words = WordsOf(entry);
      if (!seen.insert(words.name).second)
        diagnostics_.Error(entry.at(), fmt::format("'artifacts': {} is there twice", Quote(words.name)));
      if (is_in) {
        artifacts->in.push_back({entry.at(), std::string(words.name), words.all_hosts});
      } else if (words.path) {
        CheckTemplates("artifacts", *words.path, true, unbuilt);
        artifacts->out.push_back({std::string(words.name), std::string(words.path->text())});
      }
    }
  }
  return artifacts;
}

std::shared_ptr<const Pool> ValueReader::ReadPool(YamlNode map) {
  if (map.kind() != YamlKind::kMap) return nullptr;
  auto pool = std::make_shared<Pool>(Pool{.at = map.at()});
  for (YamlNode key = map.first(); key; key = key.next().next()) {
    const YamlNode value = key.next();
    if (key.text() == "count")
      pool->count = value.text() == "all" ? std::nullopt : std::optional(CountOf(value.text()));
    else if (value.kind() == YamlKind::kMap)
      for (YamlNode label = value.first(); label; label = label.next().next())
        pool->labels.emplace(label.text(), label.next().text());
  }
  return pool;
}

void ValueReader::Action(YamlNode value, Overrides& set) {
  auto text = ShellText("action", value);
  if (!text) return;
  auto words = ParseAction(*text);
  if (words)
    set.action = std::move(*words);
  else if (text->find("${{") == std::string::npos)
    diagnostics_.Error(value.at(), words.error().message);
}

void ValueReader::Options(YamlNode value, Overrides& set) {
  auto text = Text("options", value);
  if (!text) return;
  if (auto words = ParseOptions(*text); !words) return diagnostics_.Error(value.at(), words.error().message);
  set.options = std::move(*text);
}

void ValueReader::Title(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt) {
  auto text = RawText("title", value, unbuilt);
  if (!text) return;
  if (!IsTitle(Unescape(*text)))
    return diagnostics_.Error(value.at(), fmt::format("bad title {}: use at most {} bytes and no control characters",
                                                      Quote(*text), kMaxTitleBytes));
  set.title = std::move(*text);
}

void ValueReader::SetVars(YamlNode value, Overrides& set, std::vector<Unbuilt>& unbuilt) {
  if (value.is_null()) return;
  if (value.kind() != YamlKind::kMap)
    return diagnostics_.Error(value.at(), fmt::format("'vars': {} where a map is meant", ToString(value.kind())));
  auto [known, is_new] = vars_.try_emplace(value.id());
  if (is_new) known->second = ReadVars(value);
  set.vars = known->second.list;
  if (known->second.first_params) AddUnbuilt("${{ params }} in vars", *known->second.first_params, unbuilt);
}

ValueReader::Vars ValueReader::ReadVars(YamlNode map) {
  Variables variables;
  Vars vars;
  variables.reserve(map.size());
  for (YamlNode key = map.first(); key; key = key.next().next())
    ReadVariable(key, key.next(), variables, vars.first_params);
  if (SizeOf(variables) > kMaxVariablesBytes)
    diagnostics_.Error(
        map.at(), fmt::format("'vars' has {} bytes; at most {} are allowed", SizeOf(variables), kMaxVariablesBytes));
  vars.list = std::make_shared<const Variables>(std::move(variables));
  return vars;
}

void ValueReader::ReadVariable(YamlNode key, YamlNode value, Variables& variables,
                               std::optional<Position>& first_params) {
  if (auto good = CheckVariableName(key.text()); !good) return diagnostics_.Error(key.at(), good.error().message);
  std::string text = Text(key.text(), value).value_or("");
  if (auto good = CheckVariableValue(key.text(), text); !good) diagnostics_.Error(value.at(), good.error().message);
  const TemplateScan scan = ScanTemplates(text);
  if (scan.malformed) diagnostics_.Error(value.at(), fmt::format("'{}': {}", key.text(), kMalformed));
  if (scan.params && !first_params) first_params = value.at();
  if (HasShellVariable(value.text()))
    diagnostics_.Note(value.at(),
                      fmt::format("'{}' is passed as written; Cromtit would have expanded the '$'", key.text()));
  variables.emplace_back(key.text(), std::move(text));
}

}  // namespace cromt
