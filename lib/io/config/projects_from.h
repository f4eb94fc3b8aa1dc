// The part `projects_from:` of a coordinator's configuration: a job file that lives in Git.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/config/settings.h"

namespace cromt {

struct ProjectsFrom {
  static constexpr Duration kDefaultInterval = seconds(60);
  static constexpr Duration kShortestInterval = seconds(1);

  std::string url;                       // of the repository
  std::string ref;                       // empty = the remote's HEAD
  std::string file = "jobs.yaml";        // its path there
  Duration interval = kDefaultInterval;  // of looking

  friend bool operator==(const ProjectsFrom&, const ProjectsFrom&) = default;
};

// `specs` and the keys that ReadProjectsFrom reads.
std::vector<SettingSpec> WithProjectsFromKeys(std::span<const SettingSpec> specs);

// nullopt: there is none. kInvalid says which key is wrong.
Result<std::optional<ProjectsFrom>> ReadProjectsFrom(const Settings& settings);

}  // namespace cromt
