// The actions of a job in its repository: scenarios, scripts and task directories. What a scenario asks for is done
// here. Not thread-safe.
#pragma once

#include <string>

#include "agent/step/child.h"
#include "agent/step/dsl.h"
#include "agent/step/output.h"
#include "agent/step/plugin/plugin_repository.h"
#include "agent/step/plugin/plugins.h"
#include "agent/step/rakudo/rakudo.h"
#include "agent/step/repository.h"
#include "agent/step/scenario/ast.h"
#include "agent/step/scenario/calls.h"
#include "agent/step/scenario/host.h"
#include "agent/step/task/task_runner.h"

namespace cromt::step {

class Job final : private ScenarioHost {
 public:
  // All three outlive it. `environment` as in job_config.h, `pins` may have no url. What it takes from its own
  // variables: CROMT_PLUGIN_DIRS (plugin/plugins.h), SP6_TAGS, SP6_CONFIG.
  Job(const Repository& repository, std::string environment, PluginPins pins, ChildRunner& children, Output& output);

  // Would this action be refused? What isn't there yet may be made by an action before it.
  Status Check(const std::string& name);

  // Whether what runs its programs is there, as far as is known beforehand: of those under no `if`. Errors name the
  // program's file, and the package that is missing.
  Status CheckInterpreters(const std::string& name);

  // The exit code: 0, the failing task's, 1 for what can't be found or read (noted in the output).
  int Run(const std::string& name);

  // Says why nothing is run; its exit code.
  int Refuse(const Error& error);

 private:
  Result<Scenario> ReadScenario(const std::string& file) const;
  int RunScenarioFile(const std::string& file);
  // What cromt doesn't read itself.
  int RunUnderRakudo(const std::string& file, const Error& why);
  // A host that has tom, but no `raku` in PATH: the original runs the whole scenario, with its own functions.
  int RunUnderTom(const std::string& file);
  // `written` is the path as a scenario writes it: "DIR" or "DIR@SUBTASK".
  Result<TaskRun> TaskAt(const std::string& written) const;
  Status CheckCall(const CallSite& call);
  Status CheckInterpretersOf(const CallSite& call);
  // The value of a configuration: by our own reader, else by rakudo. `path` is absolute.
  Result<Map> ReadConfig(const std::string& path, const std::string& file, const std::string& text);
  Result<TaskResult> Do(TaskRequest request);

  DslOutcome Call(const DslCall& call) override;
  void Say(const std::string& text) override;
  Value Config() override { return {config_}; }
  Value Tags() override;
  std::string Os() override;
  std::string Cwd() override { return repository_.root(); }
  std::optional<std::string> Environment(const std::string& name) override;

  const Repository& repository_;
  const std::string environment_;
  Output& output_;
  ChildRunner& children_;
  TaskRunner tasks_;
  Scratch rakudo_scratch_;
  std::optional<PluginRepository> sparrow_;
  Plugins plugins_;
  std::string scenario_;  // the file that runs, for messages
  Map config_;            // as it was when that began
};

}  // namespace cromt::step
