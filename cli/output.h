// Results on standard output: one interface, three ways to say them (text_output, json_output, quiet_output). What jobs
// print goes through log_view.h instead. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/step/survey.h"
#include "cli/writer.h"
#include "core/control.h"
#include "core/diagnostic.h"
#include "core/plan.h"

namespace cromt::cli {

struct ApplyWish {
  bool dry_run = false;
  bool prune = false;
};

// One file of `cromt validate`, or a repository of actions.
struct Validation {
  std::string file;
  std::vector<std::string> projects;    // empty if there are errors
  std::optional<step::Survey> actions;  // of a repository that can be read
  std::vector<Diagnostic> diagnostics;
  bool ok = false;
};

class Output {
 public:
  virtual ~Output() = default;
  virtual void Applied(const ApplyAnswer& answer, const ApplyWish& wish) = 0;
  virtual void Validated(const Validation& validation) = 0;
  virtual void Planned(const Plan& plan, const std::string& project) = 0;
  virtual void Started(const RunId& run) = 0;
  // `task`: as the user named it; empty = the whole run.
  virtual void CancelAsked(const RunId& run, const std::string& task) = 0;
  // `dir`: as the user named it, empty = the current one; `files`: relative to it.
  virtual void Initialized(const std::string& dir, const std::vector<std::string>& files) = 0;
  virtual void ShowRun(const RunView& run) = 0;
  virtual void ShowTask(const RunView& run, TaskIndex task) = 0;
  virtual void ListRuns(const std::vector<RunView>& runs) = 0;
  virtual void ListProjects(const std::vector<ProjectView>& projects) = 0;
  virtual void ListTicks(const std::vector<TickSettled>& ticks) = 0;
  // "paused", "unpaused". `project` empty: all.
  virtual void PauseIs(std::string_view what, const std::string& project) = 0;
  virtual void ListRevisions(const std::vector<RevisionView>& revisions) = 0;
  virtual void ListArtifacts(const std::vector<ArtifactView>& artifacts) = 0;
  // `to`: where it was put.
  virtual void Got(const ArtifactView& artifact, const std::string& to) = 0;
  // `task`: of the run; none = the run itself.
  virtual void ShowWhy(const RunView& run, std::optional<TaskIndex> task, const WhyLines& lines) = 0;
  // An agent, as the user named it.
  virtual void Forgot(const std::string& agent) = 0;
  virtual void ListAgents(const std::vector<AgentView>& agents) = 0;
  virtual void ListSecrets(const std::vector<SecretView>& secrets) = 0;
  // "set", "removed". `project` empty: one of all projects.
  virtual void SecretIs(std::string_view what, const std::string& project, const std::string& name) = 0;
};

}  // namespace cromt::cli
