#include "agent/step/step.h"

#include <errno.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/step/repository.h"
#include "agent/step/scenario/evaluator.h"
#include "agent/step/scenario/parser.h"
#include "agent/step/task_dir.h"
#include "agent/step/task_runner.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int kExitFailed = 1;

std::optional<std::string> OwnEnvironment(const std::string& name) {
  const char* value = ::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

// "FILE:LINE:COL: message", for a task that a scenario names.
Error At(const std::string& scenario, const RunTask& step, Error error) {
  error.message = fmt::format("{}:{}:{}: {}", scenario, step.at.line, step.at.column, error.message);
  return error;
}

class Job {
 public:
  Job(const Repository& repository, ChildRunner& children, Output& output)
      : repository_(repository), children_(children), output_(output), tasks_(repository, children, output) {}

  // Would this action be refused? What isn't there yet may be made by an action before it.
  Status Check(const std::string& name) const {
    auto action = FindAction(repository_, name);
    if (!action) return AllowMissing(std::move(action).error());
    if (action->kind == Action::Kind::kTask) return {};
    CROMT_ASSIGN(auto steps, ReadScenario(action->scenario));
    for (const Step& step : steps) {
      const auto* run = std::get_if<RunTask>(&step);
      if (run == nullptr) continue;
      auto task = FindTask(repository_, run->name, run->path);
      if (!task) CROMT_TRY(AllowMissing(At(action->scenario, *run, std::move(task).error())));
    }
    return {};
  }

  int Run(const std::string& name) {
    auto action = FindAction(repository_, name);
    if (!action) return Refuse(action.error());
    if (action->kind == Action::Kind::kTask) return RunOne(action->task, {});
    auto steps = ReadScenario(action->scenario);
    if (!steps) return Refuse(steps.error());
    for (Step& step : *steps) {
      int code = RunStep(action->scenario, step);
      if (code != 0) return code;
    }
    return 0;
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

  Result<std::vector<Step>> ReadScenario(const std::string& file) const {
    CROMT_ASSIGN(std::string text, repository_.Read(file, kMaxScenarioBytes));
    CROMT_ASSIGN(Scenario scenario, ParseScenario(file, text));
    return Evaluate(scenario, OwnEnvironment);
  }

  int RunStep(const std::string& scenario, Step& step) {
    if (const auto* say = std::get_if<Say>(&step)) {
      output_.Bytes(seglog::Stream::kStdout, say->text + "\n");
      return 0;
    }
    auto& run = std::get<RunTask>(step);
    auto task = FindTask(repository_, run.name, run.path);
    if (!task) return Refuse(At(scenario, run, task.error()));
    return RunOne(*task, std::move(run.parameters));
  }

  int RunOne(const TaskFile& task, Map parameters) {
    if (int signal = children_.stop_signal(); signal != 0) return kExitSignalBase + signal;
    return tasks_.Run(task, std::move(parameters));
  }

  const Repository& repository_;
  ChildRunner& children_;
  Output& output_;
  TaskRunner tasks_;
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
