#include "io/config/job_reader.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/name.h"
#include "core/lease.h"
#include "core/source_path.h"
#include "io/config/flag_word.h"
#include "io/config/job_keys.h"
#include "io/config/job_shapes.h"
#include "io/config/read_file.h"
#include "io/config/start_keys.h"
#include "io/config/value_reader.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {
namespace {

bool IsRelative(std::string_view directory) {
  return !directory.empty() && !directory.starts_with('/') && !directory.starts_with("~/") && directory != "~";
}

// One file. Lists that aliases repeat are read once and shared.
class JobReader {
 public:
  JobReader(std::string name, const ZoneCheck& zone_check, Diagnostics& diagnostics)
      : zone_check_(zone_check), diagnostics_(diagnostics), values_(diagnostics) {
    file_.file = std::move(name);
  }

  JobFile Read(YamlNode root) {
    if (root.kind() != YamlKind::kMap) {
      diagnostics_.Error(root.at(), fmt::format("{} where a map with 'projects' is meant", ToString(root.kind())));
      return {};
    }
    bool has_projects = false;
    std::vector<Unbuilt> unused;
    ForEachKey(root, kTop, unused, [&](std::string_view key, YamlNode at, YamlNode value) {
      if (key == "projects") {
        has_projects = true;
        ReadProjects(value);
      } else if (key == "storage") {
        file_.storage = values_.Url(key, value);
      } else if (auto text = values_.Text(key, value)) {
        CheckId("name", *text, at);
        file_.name = std::move(*text);
      }
    });
    if (!has_projects) diagnostics_.Error(root.at(), "there is no 'projects'");
    CheckJobFile(file_, diagnostics_);
    return std::move(file_);
  }

 private:
  // Calls on_key(key, key node, value) for each key that may stand at `level` and has a reader; judges all others.
  template <class F>
  void ForEachKey(YamlNode map, JobLevel level, std::vector<Unbuilt>& unbuilt, F on_key) {
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      YamlNode value = key.next();
      if (key.text().starts_with("x-")) continue;
      const JobKey* known = FindJobKey(key.text());
      if (!known || !(known->levels & level)) {
        Misplaced(key, known, level);
        continue;
      }
      const bool good = known->shape == Shape::kOwn || CheckShape(*known, value, diagnostics_);
      if (known->shape == Shape::kZone && good) CheckZone(key.text(), value);
      if (!known->built && HasEffect(*known, value)) {
        diagnostics_.Warning(key.at(), NotBuilt(key.text()));
        unbuilt.push_back({std::string(key.text()), key.at()});
      }
      if (known->name == "timeout" && !value.is_null())
        diagnostics_.Note(key.at(), "'timeout' ends the attempt; Cromtit's only ended the waiting for it");
      if (known->built && good) on_key(known->name, key, value);
    }
  }

  void Misplaced(YamlNode key, const JobKey* known, JobLevel level) {
    if (!known) {
      if (diagnostics_.full()) return diagnostics_.Error({}, "unknown key");  // only counted
      std::vector<std::string_view> names;
      for (const JobKey& other : JobKeys())
        if (other.levels & level) names.push_back(other.name);
      diagnostics_.Error(key.at(), fmt::format("unknown key {} in {}{}", Quote(key.text()), Describe(level),
                                               DidYouMean(key.text(), names)));
    } else if (known->ignored & level) {
      diagnostics_.Warning(key.at(), fmt::format("'{}' has no effect in {}", key.text(), Describe(level)));
    } else {
      JobLevel home = kInHost;
      for (JobLevel better : {kInDependency, kTop, kInProject})
        if (known->levels & better) home = better;
      std::string_view hint = known->name == "name" && level == kInProject ? "; a project's name is its key" : "";
      diagnostics_.Error(key.at(), fmt::format("'{}' can't stand in {}; it belongs to {}{}", key.text(),
                                               Describe(level), Describe(home), hint));
    }
  }

  void CheckZone(std::string_view key, YamlNode value) {
    if (value.text().empty()) return;
    const Status good = zone_check_(value.text());
    if (good) return;
    std::string message = fmt::format("'{}': {}", key, good.error().message);
    if (good.error().code == ErrorCode::kUnavailable)
      diagnostics_.Warning(value.at(), std::move(message));
    else
      diagnostics_.Error(value.at(), std::move(message));
  }

  void CheckId(std::string_view what, std::string_view text, YamlNode at) {
    if (auto good = CheckName(what, text); !good) diagnostics_.Error(at.at(), good.error().message);
  }

  // True for what can be walked; nothing at all is an empty list or map.
  bool Is(YamlKind kind, std::string_view what, YamlNode value) {
    if (value.is_null() || value.kind() == kind) return true;
    diagnostics_.Error(value.at(),
                       fmt::format("{}: {} where {} is meant", Quote(what), ToString(value.kind()), ToString(kind)));
    return false;
  }

  // Names first: entries of before and after may name what comes later.
  void ReadProjects(YamlNode map) {
    if (!Is(YamlKind::kMap, "projects", map)) return;
    file_.projects.reserve(map.size());
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      CheckId("project name", key.text(), key);
      file_.by_name.emplace(key.text(), static_cast<uint32_t>(file_.projects.size()));
      file_.projects.push_back({.name = std::string(key.text()), .at = key.at()});
    }
    size_t i = 0;
    for (YamlNode key = map.first(); key; key = key.next().next()) ReadProject(file_.projects[i++], key.next());
  }

  void ReadProject(Project& project, YamlNode map) {
    if (!Is(YamlKind::kMap, project.name, map)) return;
    bool has_source = false;
    Position run_or_action, pool_at;
    StartKeys starts;
    ForEachKey(map, kInProject, project.unbuilt, [&](std::string_view key, YamlNode at, YamlNode value) {
      if (key == "run" || key == "action") run_or_action = std::max(run_or_action, at.at());
      if (key == "path")
        has_source |= ReadPath(project, value);
      else if (key == "run")
        project.run = values_.ShellText(key, value);
      else if (key == "hosts")
        project.hosts = ReadHosts(value);
      else if (key == "before")
        project.before = ReadDependencies(key, value);
      else if (key == "after")
        project.after = ReadDependencies(key, value);
      else if (key == "branch" || key == "ref")
        ReadRef(key, project, at, value);
      else if (key == "artifacts")
        project.artifacts = values_.ReadArtifacts(value, project.unbuilt);
      else if (key == "pool") {
        project.pool = values_.ReadPool(value);
        pool_at = at.at();
      } else if (key == "parallel")
        project.parallel = CountOf(value.text());
      else if (key == "keep" && !value.text().empty())
        project.keep = CountOf(value.text());
      else if (key == "log_limit" && !value.text().empty())
        project.log_limit_bytes = BytesOf(value.text());
      else if (key == "inherit_env")
        project.inherit_env = FlagWord(value.text()).value_or(false);
      else if (key == "sandbox")
        project.confinement.sandbox = SandboxFrom(value.text()).value_or(Sandbox::kStandard);
      else if (key == "user")
        ReadUser(project, value);
      else if (key == "on_failure")
        project.ignore_failure = value.text() == "ignore";
      else if (ReadPolicy(key, project, value) || starts.Read(key, at, value)) {
      } else
        values_.Shared(key, value, project.set, project.unbuilt);
    });
    starts.Set(project, diagnostics_);
    for (const Unbuilt& unbuilt : project.unbuilt)
      has_source |= unbuilt.key == "factfile" || unbuilt.key == "mflow" || unbuilt.key == "playbook";
    if (!has_source && !project.run)
      diagnostics_.Error(
          project.at, fmt::format("project {} has no 'path'; give it one, or commands in 'run'", Quote(project.name)));
    if (project.pool && (!Entries(project.hosts).empty() || project.set.has_url()))
      diagnostics_.Error(pool_at, fmt::format("'pool' and '{}' in one project; it can have one of them",
                                              project.set.has_url() ? "url" : "hosts"));
    if (project.run && !project.set.action.empty())
      diagnostics_.Error(run_or_action, "'run' and 'action' in one project; it can have one of them");
  }

  void ReadUser(Project& project, YamlNode value) {
    if (value.text().empty()) return;
    if (Status good = CheckUserName(value.text()); !good)
      diagnostics_.Error(value.at(), "'user': " + good.error().message);
    project.confinement.user = value.text();
  }

  // What is done when tasks fail or agents are silent. False if it is another key.
  static bool ReadPolicy(std::string_view key, Project& project, YamlNode value) {
    const std::string_view text = value.text();
    if (key == "max_failures") {
      if (!text.empty()) project.max_failures = ShareOf(text);
    } else if (key == "run_timeout") {
      if (!text.empty() && DurationOf(text) > Duration(0)) project.run_timeout = DurationOf(text);
    } else if (key == "priority") {
      if (!text.empty()) project.priority = IntegerOf(text);
    } else if (key == "on_unreachable") {
      if (!text.empty()) project.silence.unreachable = WaitOf(text).value_or(kUnreachableAfter);
      project.silence.skip_unreachable = text == "skip";
    } else if (key == "on_lost") {
      if (!text.empty()) project.silence.lost = WaitOf(text).value_or(kShortestLost);
      project.silence.retry_lost = text == "retry";
    } else if (key == "disabled") {
      project.disabled = FlagWord(text).value_or(false);
    } else {
      return false;
    }
    return true;
  }

  // Where both keys stand they must say the same.
  void ReadRef(std::string_view key, Project& project, YamlNode at, YamlNode value) {
    if (value.text().empty() || value.text() == "HEAD") return;
    if (!project.source.ref.empty() && project.source.ref != value.text())
      return diagnostics_.Error(at.at(), fmt::format("'{}' is {}, but the other of 'branch' and 'ref' is {}", key,
                                                     Quote(value.text()), Quote(project.source.ref)));
    project.source.ref = values_.Ref(key, value, project.unbuilt);
  }

  // False if there is none; a bad one is there, too.
  bool ReadPath(Project& project, YamlNode value) {
    if (value.kind() == YamlKind::kText && value.text().empty()) return false;
    auto text = values_.ShellText("path", value);
    if (!text) return !value.is_null();
    auto source = ParseSourcePath(*text);
    if (!source) {
      diagnostics_.Error(value.at(), source.error().message);
    } else if (IsRelative(source->directory)) {
      diagnostics_.Error(value.at(), fmt::format("path {} is relative, and an agent has no place that it could be "
                                                 "relative to; write an absolute path, ~/… or a Git URL",
                                                 Quote(*text)));
    } else {
      if (HasCredentials(*text))
        diagnostics_.Warning(value.at(),
                             "'path' holds credentials, which everyone who sees this file or a run can read");
      source->ref = std::move(project.source.ref);
      project.source = std::move(*source);
    }
    return true;
  }

  HostList ReadHosts(YamlNode list) {
    if (!Is(YamlKind::kList, "hosts", list)) return nullptr;
    if (list.is_null()) return nullptr;
    auto [known, is_new] = hosts_.try_emplace(list.id());
    if (!is_new) return known->second;
    auto hosts = std::make_shared<std::vector<HostEntry>>();
    hosts->reserve(list.size());
    for (YamlNode entry = list.first(); entry; entry = entry.next()) {
      if (!IsEntry(entry, "url: http://HOST:4000")) continue;
      hosts->push_back({.at = entry.at()});
      ReadHost(hosts->back(), entry);
    }
    return hosts_[list.id()] = std::move(hosts);
  }

  void ReadHost(HostEntry& host, YamlNode map) {
    ForEachKey(map, kInHost, host.unbuilt, [&](std::string_view key, YamlNode, YamlNode value) {
      if (values_.Shared(key, value, host.set, host.unbuilt)) return;
      auto text = values_.Text(key, value);
      if (!text) return;
      CheckId("host id", *text, value);
      host.id = std::move(*text);
    });
  }

  // REQUIRES: `key` is before or after.
  DependencyList ReadDependencies(std::string_view key, YamlNode list) {
    if (!Is(YamlKind::kList, key, list) || list.is_null()) return nullptr;
    auto& lists = key == "before" ? before_ : after_;
    auto [known, is_new] = lists.try_emplace(list.id());
    if (!is_new) return known->second;
    auto entries = std::make_shared<std::vector<DependencyEntry>>();
    entries->reserve(list.size());
    for (YamlNode entry = list.first(); entry; entry = entry.next()) {
      if (!IsEntry(entry, "name: PROJECT")) continue;
      entries->push_back({.at = entry.at()});
      if (!ReadDependency(entries->back(), key, entry)) entries->pop_back();
    }
    return lists[list.id()] = std::move(entries);
  }

  // False if it names no project.
  bool ReadDependency(DependencyEntry& entry, std::string_view list, YamlNode map) {
    std::optional<YamlNode> name;
    ForEachKey(map, kInDependency, entry.unbuilt, [&](std::string_view key, YamlNode at, YamlNode value) {
      if (key == "name")
        name = value;
      else if (key == "when")
        entry.when = ReadWhen(list, at, value);
      else if (key == "hosts")
        entry.hosts = ReadHosts(value);
      else
        values_.Shared(key, value, entry.set, entry.unbuilt);
    });
    auto text = name ? values_.Text("name", *name) : std::nullopt;
    if (!text) {
      diagnostics_.Error(map.at(), fmt::format("an entry of '{}' needs 'name'", list));
      return false;
    }
    auto found = file_.by_name.find(*text);
    if (found == file_.by_name.end()) {
      UnknownProject(*text, list, *name);
      return false;
    }
    entry.target = found->second;
    return true;
  }

  When ReadWhen(std::string_view list, YamlNode at, YamlNode value) {
    const When when = WhenFrom(value.text()).value_or(When::kSuccess);
    if (list == "before" && when != When::kSuccess)
      diagnostics_.Error(at.at(),
                         fmt::format("'when: {}' in 'before'; only an entry of 'after' has a choice of when it "
                                     "runs",
                                     value.text()));
    return when;
  }

  void UnknownProject(const std::string& text, std::string_view list, YamlNode at) {
    std::vector<std::string_view> names;
    if (!diagnostics_.full())
      for (const Project& project : file_.projects) names.push_back(project.name);
    diagnostics_.Error(at.at(),
                       fmt::format("unknown project {} in '{}'{}", Quote(text), list, DidYouMean(text, names)));
  }

  bool IsEntry(YamlNode entry, std::string_view example) {
    if (entry.kind() == YamlKind::kMap) return true;
    diagnostics_.Error(entry.at(),
                       fmt::format("{} where a map is meant; write '- {}'", ToString(entry.kind()), example));
    return false;
  }

  const ZoneCheck& zone_check_;
  Diagnostics& diagnostics_;
  ValueReader values_;
  JobFile file_;
  std::unordered_map<uint32_t, HostList> hosts_;
  std::unordered_map<uint32_t, DependencyList> before_;
  std::unordered_map<uint32_t, DependencyList> after_;
};

}  // namespace

JobFileReading ReadJobFile(std::string text, const std::string& name, const ZoneCheck& zone_check) {
  Diagnostics diagnostics(name);
  JobFileReading reading;
  if (auto tree = YamlTree::Read(std::move(text), diagnostics)) {
    JobFile file = JobReader(name, zone_check, diagnostics).Read(tree->root());
    if (diagnostics.ok()) reading.file = std::move(file);
  }
  reading.diagnostics = diagnostics.Take();
  return reading;
}

Result<JobFileReading> LoadJobFile(const std::string& path, const ZoneCheck& zone_check) {
  CROMT_ASSIGN(std::string text, ReadFile(path, kMaxYamlBytes));
  return ReadJobFile(std::move(text), path, zone_check);
}

}  // namespace cromt
