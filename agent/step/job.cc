#include "agent/step/job.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "agent/step/job_config.h"
#include "agent/step/os_name.h"
#include "agent/step/scenario/config_file.h"
#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/staged_folder.h"
#include "agent/step/tags.h"
#include "agent/step/task/environment.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int kExitFailed = 1;

// "FILE:LINE:COL: message", for what stands in a scenario.
Error At(const std::string& scenario, Position at, Error error) {
  error.message = fmt::format("{}:{}:{}: {}", scenario, at.line, at.column, error.message);
  return error;
}

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = ::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

Status AllowMissing(Error error) {
  if (error.code == ErrorCode::kNotFound) return {};
  return tl::unexpected(std::move(error));
}

Status CheckRakudo(const Error& why) {
  if (IsInPath("raku")) return {};
  return Fail(ErrorCode::kInvalid, why.message + "; rakudo runs it: install rakudo");
}

// Who else could run a scenario that cromt doesn't read, and why that is.
Status CheckInterpreter(const Error& why) {
  return IsInPath("tom") ? Status{} : CheckRakudo(why);
}

Status CheckInterpreterOf(const ProgramFile& program) {
  const LanguageFacts& facts = FactsOf(program.language);
  if (IsInPath(std::string(facts.program))) return {};
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("{} needs {}, which this container does not have: {}put the package {} into its image", program.file,
                  facts.program, program.language == Language::kBash ? "write 'bootstrap: true', or " : "",
                  facts.package.empty() ? facts.program : facts.package));
}

Status CheckInterpretersIn(const Repository& repository, const std::string& folder) {
  const auto task = ReadTaskDir(repository, folder);
  if (!task) return {};  // whoever runs it says so
  if (task->hook) CROMT_TRY(CheckInterpreterOf(*task->hook));
  if (task->task) CROMT_TRY(CheckInterpreterOf(*task->task));
  return {};
}

std::optional<PluginRepository> RepositoryOf(PluginPins pins, ChildRunner& children, Output& output) {
  if (pins.url.empty()) return std::nullopt;
  return PluginRepository(std::move(pins), CacheFolder("plugins"), children, output);
}

}  // namespace

Job::Job(const Repository& repository, std::string environment, PluginPins pins, ChildRunner& children, Output& output)
    : repository_(repository),
      environment_(std::move(environment)),
      output_(output),
      children_(children),
      tasks_(children, output,
             [this](const std::string& path, const std::string& file, const std::string& text) {
               return ReadConfig(path, file, text);
             }),
      sparrow_(RepositoryOf(std::move(pins), children, output)),
      plugins_(repository, FromEnvironment("CROMT_PLUGIN_DIRS").value_or(""), sparrow_ ? &*sparrow_ : nullptr) {}

Status Job::Check(const std::string& name) {
  auto action = FindAction(repository_, name);
  if (!action) return AllowMissing(std::move(action).error());
  if (action->kind == Action::Kind::kScript) return {};
  if (action->kind == Action::Kind::kTask) {
    CROMT_TRY(ReadTaskDir(repository_, action->path));
    return CheckSubtasks(repository_, action->path);
  }
  // What rakudo will evaluate is not evaluated twice.
  auto read = [this](const std::string& file, const std::string& text) -> Result<Map> {
    auto map = ParseConfig(file, text, *this);
    if (map || !IsOutside(map.error())) return map;
    CROMT_TRY(CheckRakudo(map.error()));
    return Map{};
  };
  CROMT_TRY(ReadJobConfig(repository_, environment_, *this, read));
  auto scenario = ReadScenario(action->path);
  if (!scenario && IsOutside(scenario.error())) return CheckInterpreter(scenario.error());
  if (!scenario) return tl::unexpected(std::move(scenario).error());
  for (const CallSite& call : ListCalls(*scenario))
    if (auto status = CheckCall(call); !status)
      CROMT_TRY(AllowMissing(At(scenario->file, call.at, std::move(status).error())));
  return {};
}

Status Job::CheckCall(const CallSite& call) {
  if (call.plugin) {
    CROMT_ASSIGN(const Plugin plugin, plugins_.Find(*call.plugin));
    return CheckSubtasks(*plugin.repository, plugin.root);
  }
  if (call.task_path) {
    CROMT_ASSIGN(const TaskRun run, TaskAt(*call.task_path));
    return CheckSubtasks(repository_, run.root);
  }
  return {};
}

Status Job::CheckInterpreters(const std::string& name) {
  const auto action = FindAction(repository_, name);
  if (!action) return {};  // Run says so
  if (action->kind == Action::Kind::kScript) return CheckInterpreterOf(action->program);
  if (action->kind == Action::Kind::kTask) return CheckInterpretersIn(repository_, action->path);
  const auto scenario = ReadScenario(action->path);
  if (!scenario) return {};
  for (const CallSite& call : ListCalls(*scenario))
    if (call.always) CROMT_TRY(CheckInterpretersOf(call));
  return {};
}

Status Job::CheckInterpretersOf(const CallSite& call) {
  constexpr std::string_view kTaskRun = "task-run";
  if (call.function != kTaskRun)  // all done by plugins of ours, which are written in it
    return CheckInterpreterOf({Language::kBash, fmt::format("{}:{}: {}", call.at.line, call.at.column, call.function)});
  if (call.plugin) {
    const auto plugin = plugins_.Find(*call.plugin);
    return plugin ? CheckInterpretersIn(*plugin->repository, plugin->root) : Status();
  }
  if (!call.task_path) return {};
  const auto run = TaskAt(*call.task_path);
  return run ? CheckInterpretersIn(repository_, Join(run->root, run->task)) : Status();
}

int Job::Run(const std::string& name) {
  auto action = FindAction(repository_, name);
  if (!action) return Refuse(action.error());
  switch (action->kind) {
    case Action::Kind::kScenario: return RunScenarioFile(action->path);
    case Action::Kind::kScript:
      return tasks_.Run(repository_, {.name = name, .root = DirName(action->path), .script = action->program})
          .exit_code;
    case Action::Kind::kTask: break;
  }
  return tasks_.Run(repository_, {.name = action->path, .root = action->path}).exit_code;
}

int Job::Refuse(const Error& error) {
  output_.Note(error.message);
  return kExitFailed;
}

Result<Map> Job::ReadConfig(const std::string& path, const std::string& file, const std::string& text) {
  auto map = ParseConfig(file, text, *this);
  if (map || !IsOutside(map.error())) return map;
  CROMT_TRY(CheckRakudo(map.error()));
  auto value = Rakudo(children_, output_, rakudo_scratch_).Evaluate(path, *this);
  if (!value) return Fail(file, std::move(value).error());
  return value;
}

Result<Scenario> Job::ReadScenario(const std::string& file) const {
  CROMT_ASSIGN(const std::string text, repository_.Read(file, kMaxScenarioBytes));
  return ParseScenario(file, text);
}

int Job::RunScenarioFile(const std::string& file) {
  auto scenario = ReadScenario(file);
  if (!scenario && !IsOutside(scenario.error())) return Refuse(scenario.error());
  auto config =
      ReadJobConfig(repository_, environment_, *this, [this](const std::string& path, const std::string& text) {
        return ReadConfig(repository_.Absolute(path), path, text);
      });
  if (!config) return Refuse(config.error());
  for (const std::string& source : config->sources) Say(source);
  config_ = std::move(config->values);
  scenario_ = file;
  if (!scenario) return RunUnderRakudo(file, scenario.error());
  const ScenarioEnd end = RunScenario(*scenario, *this);
  if (!end.error.empty()) output_.Note(end.error);
  return end.exit_code;
}

int Job::RunUnderRakudo(const std::string& file, const Error& why) {
  if (auto there = CheckInterpreter(why); !there) return Refuse(there.error());
  if (!IsInPath("raku")) return RunUnderTom(file);
  auto code = Rakudo(children_, output_, rakudo_scratch_).Run(repository_.Absolute(file), *this);
  return code ? *code : Refuse({code.error().code, fmt::format("{}: {}", file, code.error().message)});
}

int Job::RunUnderTom(const std::string& file) {
  constexpr std::string_view kFolder = ".tom/", kEnding = ".raku";
  std::vector<std::string> argv = {"tom", "--no_index_update"};
  if (!environment_.empty()) argv.push_back("--env=" + environment_);
  argv.push_back(file.substr(kFolder.size(), file.size() - kFolder.size() - kEnding.size()));
  auto status = children_.Run(argv, EnvironmentWith({{"SP6_LOG_NO_TIMESTAMPS", "1"}}), output_);
  if (!status) return Refuse({status.error().code, fmt::format("{}: tom: {}", file, status.error().message)});
  return status->signal != 0 ? kExitSignalBase + status->signal : status->exit_code;
}

Result<TaskRun> Job::TaskAt(const std::string& written) const {
  const size_t at = written.find('@');
  TaskRun run{.name = written};
  CROMT_ASSIGN(run.root, RelativePath(repository_.root(), written.substr(0, at)));
  if (at != std::string::npos) {
    CROMT_ASSIGN(run.task, RelativePath(repository_.root(), written.substr(at + 1)));
  }
  CROMT_TRY(ReadTaskDir(repository_, Join(run.root, run.task)));
  return run;
}

Result<TaskResult> Job::Do(TaskRequest request) {
  if (request.plugin.empty()) {
    CROMT_ASSIGN(TaskRun run, TaskAt(request.path));
    run.parameters = std::move(request.parameters);
    return tasks_.Run(repository_, std::move(run));
  }
  CROMT_ASSIGN(Plugin plugin, plugins_.Find(request.plugin));
  return tasks_.Run(*plugin.repository, {.name = std::move(request.title),
                                         .root = std::move(plugin.root),
                                         .task = std::move(request.task),
                                         .script = {},
                                         .parameters = std::move(request.parameters)});
}

DslOutcome Job::Call(const DslCall& call) {
  auto refuse = [&](Error error) { return DslOutcome{.exit_code = Refuse(At(scenario_, call.at, std::move(error)))}; };
  auto requests = LowerCall(call);
  if (!requests) return refuse(std::move(requests).error());
  DslOutcome outcome;
  for (TaskRequest& request : *requests) {
    auto result = Do(std::move(request));
    if (!result) return refuse(std::move(result).error());
    if (result->exit_code != 0) return {.exit_code = result->exit_code};
    Set(result->state, "__data__", {Map{{"task-check-err-cnt", {static_cast<int64_t>(result->check_failures)}}}});
    outcome.value = {std::move(result->state)};
  }
  return outcome;
}

void Job::Say(const std::string& text) {
  output_.Bytes(seglog::Stream::kStdout, text + "\n");
}

Value Job::Tags() {
  return {ParseTags(FromEnvironment("SP6_TAGS").value_or(""), FromEnvironment)};
}

std::string Job::Os() {
  return OsName();
}

std::optional<std::string> Job::Environment(const std::string& name) {
  return FromEnvironment(name);
}

}  // namespace cromt::step
