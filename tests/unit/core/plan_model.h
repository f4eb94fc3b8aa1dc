// A second reading of what docs/jobs-yaml.md says of `before` and `after`, written down as simply as it can be,
// whatever that costs: a job file as values, its text, and the plan that it must give. It shares nothing with the
// planner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.h"

namespace cromt::plan_model {

// What project, entry and host may say; empty or unset = nothing.
struct Said {
  std::string url;  // a host's name
  std::string title;
  std::string action;
  std::string lane;
  bool lane_of_agent = false;
  std::optional<int> retries;
  std::map<std::string, std::string> vars;
};
struct Host {
  std::string id;
  Said said;
};
struct Entry {
  size_t target = 0;
  Said said;
  std::vector<Host> hosts;  // none: those of the project
  When when = When::kSuccess;
};
struct Project {
  Said said;
  std::vector<Host> hosts;
  std::vector<Entry> before, after;
  int parallel = 0;
  bool ignore_failure = false;
  int max_failures = 0;
  bool percent = false;
  std::vector<std::string> publishes, wants;  // artifacts
};
// The projects are called p0, p1, …; p0 is the one that is started.
struct File {
  std::vector<Project> projects;
};

// As somebody would write it.
std::string TextOf(const File& file);

struct Answer {
  std::string plan;     // in words; empty = it must be refused
  std::string refusal;  // why, for the message of a test that fails
  bool too_large = false;
};
// What PlanRun must make of it. `action` and `vars` are those of the start.
Answer PlanOf(const File& file, const std::string& action, const std::map<std::string, std::string>& vars);

// The same words of a plan that was made.
std::string Describe(const Plan& plan);

}  // namespace cromt::plan_model
