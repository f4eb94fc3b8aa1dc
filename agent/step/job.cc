#include "agent/step/job.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "agent/step/os_name.h"
#include "agent/step/scenario/calls.h"
#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int kExitFailed = 1;

// "FILE:LINE:COL: message", for what stands in a scenario.
Error At(const std::string& scenario, Position at, Error error) {
  error.message = fmt::format("{}:{}:{}: {}", scenario, at.line, at.column, error.message);
  return error;
}

Status AllowMissing(Error error) {
  if (error.code == ErrorCode::kNotFound) return {};
  return tl::unexpected(std::move(error));
}

}  // namespace

Status Job::Check(const std::string& name) const {
  auto action = FindAction(repository_, name);
  if (!action) return AllowMissing(std::move(action).error());
  if (action->kind == Action::Kind::kScript) return {};
  if (action->kind == Action::Kind::kTask) {
    CROMT_TRY(ReadTaskDir(repository_, action->path));
    return {};
  }
  CROMT_ASSIGN(const Scenario scenario, ReadScenario(action->path));
  for (const CallSite& call : ListCalls(scenario)) {
    if (!call.task_path || call.plugin) continue;
    auto task = TaskAt(*call.task_path);
    if (!task) CROMT_TRY(AllowMissing(At(scenario.file, call.at, std::move(task).error())));
  }
  return {};
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

Result<Scenario> Job::ReadScenario(const std::string& file) const {
  CROMT_ASSIGN(const std::string text, repository_.Read(file, kMaxScenarioBytes));
  return ParseScenario(file, text);
}

int Job::RunScenarioFile(const std::string& file) {
  auto scenario = ReadScenario(file);
  if (!scenario) return Refuse(scenario.error());
  scenario_ = file;
  const ScenarioEnd end = RunScenario(*scenario, *this);
  if (!end.error.empty()) output_.Note(end.error);
  return end.exit_code;
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

DslOutcome Job::Call(const DslCall& call) {
  auto refuse = [&](Error error) { return DslOutcome{.exit_code = Refuse(At(scenario_, call.at, std::move(error)))}; };
  auto argument = [&](size_t i) { return i < call.arguments.size() ? call.arguments[i] : Value{}; };
  const Value name = argument(0), parameters = argument(1);
  const auto* path = std::get_if<std::string>(&name.form);
  const auto* map = std::get_if<Map>(&parameters.form);
  if (call.function != "task-run" || path == nullptr || (map == nullptr && call.arguments.size() > 1))
    return refuse({ErrorCode::kInvalid, Quote(call.function) + " with such arguments is not built yet"});
  auto task = TaskAt(*path);
  if (!task) return refuse(std::move(task).error());
  if (map != nullptr) task->parameters = *map;
  TaskResult result = tasks_.Run(repository_, std::move(*task));
  return {.exit_code = result.exit_code, .value = {std::move(result.state)}};
}

void Job::Say(const std::string& text) {
  output_.Bytes(seglog::Stream::kStdout, text + "\n");
}

std::string Job::Os() {
  return OsName();
}

std::optional<std::string> Job::Environment(const std::string& name) {
  const char* value = ::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace cromt::step
