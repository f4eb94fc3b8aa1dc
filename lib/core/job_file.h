// The job file as plain values: projects, their hosts and dependencies, checked but not yet planned. Read from
// jobs.yaml by io/config; nothing here knows YAML. Immutable once read, so any thread may use it.
//
// Lists that an alias repeats in the file are shared, so that memory grows with the file, not with its expansion.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/agent_address.h"
#include "core/diagnostic.h"
#include "core/model.h"
#include "core/pool.h"
#include "core/push_trigger.h"
#include "core/schedule.h"

namespace cromt {

// A key that is valid, but whose behaviour is not built yet: what uses it can't be started.
struct Unbuilt {
  std::string key;
  Position at;
};

// A queue of the mesh in which one task runs at a time; with `per_agent` each agent has one of its own.
struct LaneChoice {
  std::string name;
  bool per_agent = false;
  friend bool operator==(const LaneChoice&, const LaneChoice&) = default;
};

// What project, dependency entry and host entry may each set; what is unset comes from the wider one.
// Host goes over dependency entry goes over project; vars and container merge key by key, everything else replaces.
struct Overrides {
  std::vector<std::string> action;        // words; empty = unset
  std::string options;                    // for tom; empty = unset
  std::shared_ptr<const Variables> vars;  // null = none; values raw (core/template.h)
  std::optional<AgentAddress> url;
  std::string url_template;  // raw, in the place of `url`; empty = none
  std::string title;         // raw; empty = unset
  std::optional<LaneChoice> lane;
  std::optional<Duration> timeout;  // 0 = none
  std::optional<Duration> grace;
  std::optional<uint32_t> retries;
  std::optional<Duration> retry_delay;
  std::optional<uint32_t> retry_backoff_permille;
  std::shared_ptr<const ContainerKeys> container;         // null = none; merges key by key
  std::shared_ptr<const std::vector<SecretUse>> secrets;  // null = unset

  bool has_url() const { return url || !url_template.empty(); }
};

struct ArtifactIn {
  Position at;
  std::string name;
  bool all_hosts = false;
};
struct Artifacts {
  std::vector<ArtifactIn> in;
  std::vector<ArtifactOut> out;  // paths raw
};

struct HostEntry {
  Position at;
  std::string id;  // as written; empty = the host part of its url
  Overrides set;
  std::vector<Unbuilt> unbuilt;
};
using HostList = std::shared_ptr<const std::vector<HostEntry>>;  // null or empty = no hosts: one task

// An entry of `before` or `after`.
struct DependencyEntry {
  Position at;
  uint32_t target = 0;  // index into JobFile::projects
  Overrides set;
  HostList hosts;              // replace those of the target, unless null
  When when = When::kSuccess;  // in `after` only
  std::vector<Unbuilt> unbuilt;
};
using DependencyList = std::shared_ptr<const std::vector<DependencyEntry>>;  // null = none

// How many of a project's tasks may fail.
struct FailureShare {
  uint32_t count = 0;
  bool percent = false;  // of its tasks; a part of one counts as none
  friend bool operator==(const FailureShare&, const FailureShare&) = default;
};

struct Project {
  std::string name;
  Position at;
  Source source;                   // its ref raw
  std::optional<std::string> run;  // an inline script instead of actions
  Overrides set;
  HostList hosts;
  DependencyList before;
  DependencyList after;
  std::shared_ptr<const Pool> pool;            // where it runs instead of `hosts`; null = none
  std::shared_ptr<const Artifacts> artifacts;  // null = none
  std::optional<uint32_t> parallel;            // how many of its tasks run at once
  std::optional<int64_t> log_limit_bytes;
  bool inherit_env = false;
  Confinement confinement;
  bool ignore_failure = false;
  FailureShare max_failures;
  SilencePolicy silence;
  std::optional<Duration> run_timeout;  // of a run that was started for it
  int32_t priority = 0;
  std::shared_ptr<const Schedule> schedule;  // null = it never starts by itself
  std::shared_ptr<const PushTrigger> push;   // null = no push starts it
  bool disabled = false;                     // nothing starts it
  std::optional<uint32_t> keep;              // so many of its finished runs
  std::vector<Unbuilt> unbuilt;
};

struct JobFile {
  std::string file;  // as the reader was told, for messages
  std::string name;  // empty = the file is known by its path
  std::optional<AgentAddress> storage;
  std::vector<Project> projects;  // in file order
  std::unordered_map<std::string, uint32_t> by_name;
  std::vector<uint32_t> order;  // all projects, each after those it lists in before and after; set by CheckJobFile

  const Project* Find(const std::string& project) const;
  // kNotFound with the nearest name; also where `project` is empty and the file has not exactly one.
  Result<uint32_t> Choose(const std::string& project) const;
};

// What can only be seen in the whole file: cycles through before and after (each printed as a path), and an `action`
// for a project that has `run`. Sets `order`. REQUIRES: projects, by_name and targets are complete.
void CheckJobFile(JobFile& file, Diagnostics& diagnostics);

// Why `project` can't be started by this version: an error for each unbuilt key of it and of every project that its
// plan reaches. Empty = it can. REQUIRES: project < file.projects.size().
std::vector<Diagnostic> StartRefusals(const JobFile& file, uint32_t project);

// The entries of a list that may be null.
template <class T>
const std::vector<T>& Entries(const std::shared_ptr<const std::vector<T>>& list) {
  static const std::vector<T> kEmpty;
  return list ? *list : kEmpty;
}

}  // namespace cromt
