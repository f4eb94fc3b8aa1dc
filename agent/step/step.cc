#include "agent/step/step.h"

#include <errno.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/step/os_name.h"
#include "agent/step/repository.h"
#include "agent/step/scenario/calls.h"
#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/scenario/task_path.h"
#include "agent/step/task_dir.h"
#include "agent/step/task_runner.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int kExitFailed = 1;

// "FILE:LINE:COL: message", for what stands in a scenario.
Error At(const std::string& scenario, Position at, Error error) {
  error.message = fmt::format("{}:{}:{}: {}", scenario, at.line, at.column, error.message);
  return error;
}

class Job : ScenarioHost {
 public:
  Job(const Repository& repository, ChildRunner& children, Output& output)
      : repository_(repository), children_(children), output_(output), tasks_(repository, children, output) {}

  // Would this action be refused? What isn't there yet may be made by an action before it.
  Status Check(const std::string& name) const {
    auto action = FindAction(repository_, name);
    if (!action) return AllowMissing(std::move(action).error());
    if (action->kind == Action::Kind::kTask) return {};
    CROMT_ASSIGN(Scenario scenario, ReadScenario(action->scenario));
    for (const CallSite& call : ListCalls(scenario)) {
      if (!call.task_path || call.plugin) continue;
      auto task = FindTask(*call.task_path);
      if (!task) CROMT_TRY(AllowMissing(At(scenario.file, call.at, std::move(task).error())));
    }
    return {};
  }

  int Run(const std::string& name) {
    auto action = FindAction(repository_, name);
    if (!action) return Refuse(action.error());
    if (action->kind == Action::Kind::kTask) return RunOne(action->task, {});
    auto scenario = ReadScenario(action->scenario);
    if (!scenario) return Refuse(scenario.error());
    scenario_ = scenario->file;
    ScenarioEnd end = RunScenario(*scenario, *this);
    if (!end.error.empty()) output_.Note(end.error);
    return end.exit_code;
  }

  int Refuse(const Error& error) {
    output_.Note(error.message);
    return kExitFailed;
  }

 private:
  static Status AllowMissing(Error error) {
    if (error.code == ErrorCode::kNotFound) return {};
    return tl::unexpected(std::move(error));
  }

  Result<Scenario> ReadScenario(const std::string& file) const {
    CROMT_ASSIGN(std::string text, repository_.Read(file, kMaxScenarioBytes));
    return ParseScenario(file, text);
  }

  Result<TaskFile> FindTask(const std::string& written) const {
    CROMT_ASSIGN(std::string path, TaskPath(written));
    return step::FindTask(repository_, written, path);
  }

  DslOutcome Call(const DslCall& call) override {
    auto refuse = [&](Error error) {
      return DslOutcome{.exit_code = Refuse(At(scenario_, call.at, std::move(error)))};
    };
    auto argument = [&](size_t i) { return i < call.arguments.size() ? call.arguments[i] : Value{}; };
    const Value name = argument(0), parameters = argument(1);
    const auto* path = std::get_if<std::string>(&name.form);
    const auto* map = std::get_if<Map>(&parameters.form);
    if (call.function != "task-run" || path == nullptr || (map == nullptr && call.arguments.size() > 1))
      return refuse({ErrorCode::kInvalid, Quote(call.function) + " with such arguments is not built yet"});
    auto task = FindTask(*path);
    if (!task) return refuse(std::move(task).error());
    return {.exit_code = RunOne(*task, map != nullptr ? *map : Map{}), .value = {Map{}}};
  }

  void Say(const std::string& text) override { output_.Bytes(seglog::Stream::kStdout, text + "\n"); }
  Value Config() override { return {Map{}}; }
  Value Tags() override { return {Map{}}; }
  std::string Os() override { return OsName(); }
  std::string Cwd() override { return repository_.root(); }
  std::optional<std::string> Environment(const std::string& name) override {
    const char* value = ::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }

  int RunOne(const TaskFile& task, Map parameters) {
    if (int signal = children_.stop_signal(); signal != 0) return kExitSignalBase + signal;
    return tasks_.Run(task, std::move(parameters));
  }

  const Repository& repository_;
  ChildRunner& children_;
  Output& output_;
  TaskRunner tasks_;
  std::string scenario_;  // the file that runs, for messages
};

}  // namespace

Result<Arguments> ParseArguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  auto bad = [](std::string_view why) { return Fail(ErrorCode::kInvalid, fmt::format("cromt-step: {}", why)); };
  bool options = true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (options && word == "--") {
      options = false;
    } else if (options && word == "--root") {
      if (++i == arguments.size()) return bad("--root wants a directory");
      parsed.root = arguments[i];
    } else if (options && word.starts_with("--root=")) {
      parsed.root = word.substr(7);
    } else if (options && word.starts_with('-')) {
      return bad("unknown option " + Quote(word));
    } else {
      parsed.actions.push_back(word);
    }
  }
  if (parsed.actions.empty()) return bad("no action given");
  return parsed;
}

int RunActions(const Arguments& arguments, ChildRunner& children, Output& output) {
  auto repository = Repository::Open(arguments.root);
  if (!repository || ::chdir(repository->root().c_str()) != 0) {
    output.Note((repository ? ErrnoError(Quote(arguments.root), errno) : repository.error()).message);
    return kExitFailed;
  }
  Job job(*repository, children, output);
  for (const std::string& action : arguments.actions)
    if (auto status = job.Check(action); !status) return job.Refuse(status.error());
  for (const std::string& action : arguments.actions)
    if (int code = job.Run(action); code != 0) return code;
  return 0;
}

}  // namespace cromt::step
