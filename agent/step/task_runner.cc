#include "agent/step/task_runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/step/glue.h"
#include "agent/step/os_name.h"

namespace cromt::step {
namespace {

using Variable = std::pair<std::string_view, std::string>;

// Our own environment with `added` in place of what has these names.
std::vector<std::string> Environment(const std::vector<Variable>& added) {
  std::vector<std::string> environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(added.begin(), added.end(), [&](const Variable& v) { return v.first == name; });
    if (!replaced) environment.emplace_back(text);
  }
  for (const auto& [name, value] : added) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

std::string PythonPath(const std::string& directory) {
  const char* inherited = ::getenv("PYTHONPATH");
  return inherited != nullptr && *inherited != '\0' ? fmt::format("{}:{}", inherited, directory) : directory;
}

std::string_view Interpreter(Language language) {
  switch (language) {
    case Language::kBash: return "bash";
    case Language::kSh: return "sh";
    case Language::kPython: return "python3";
  }
  return "";
}

}  // namespace

int TaskRunner::Run(const TaskFile& task, Map parameters) {
  JoinArgs(parameters);
  output_.Put(TaskBegan{task.title});
  TaskEnded ended{.name = task.name};
  auto invocation = Prepare(task, parameters);
  if (!invocation) {
    output_.Note(fmt::format("{}: {}", task.file, invocation.error().message));
    ended.exit_code = 1;
    output_.Put(ended);
    return 1;
  }
  auto status = children_.Run(invocation->argv, invocation->environment, output_);
  if (status) {
    ended.exit_code = status->exit_code;
    ended.signal = status->signal;
  } else {
    output_.Note(
        fmt::format("{} needs {}, which can't be started: {}", task.file, invocation->argv[0], status.error().message));
    ended.exit_code = status.error().code == ErrorCode::kNotFound ? kExitNoProgram : kExitNotExecutable;
  }
  output_.Put(ended);
  return ended.signal != 0 ? kExitSignalBase + ended.signal : ended.exit_code;
}

Result<TaskRunner::Invocation> TaskRunner::Prepare(const TaskFile& task, const Map& parameters) {
  CROMT_TRY(scratch_.Make());
  const std::string number = std::to_string(++tasks_);
  CROMT_TRY(WriteFiles(task, parameters, number));
  const std::string cache_root = scratch_.path() + "/" + number;
  std::vector<Variable> variables = {
      {"os", OsName()}, {"cache_root_dir", cache_root}, {"cache_dir", cache_root + "/1"}};

  Invocation invocation;
  const std::string file = repository_.Absolute(task.file);
  invocation.argv.emplace_back(Interpreter(task.language));
  if (task.language == Language::kPython) {
    variables.emplace_back("PYTHONPATH", PythonPath(cache_root + "/1"));
    invocation.argv.push_back(file);
  } else {
    for (std::string_view name : {"/1/glue", "/1/parameters"})
      invocation.argv.push_back(cache_root + std::string(name));
    for (std::string_view path : {std::string_view(task.directory), std::string_view(task.directory)})
      invocation.argv.push_back(repository_.Absolute(path));  // root_dir and task_dir: the same without subtasks
    invocation.argv.push_back(file);
  }
  invocation.environment = Environment(variables);
  return invocation;
}

// As Sparrow lays them out: config.json in the cache root, the rest in the cache directory of the one task in it.
Status TaskRunner::WriteFiles(const TaskFile& task, const Map& parameters, const std::string& cache_root) {
  const std::string cache = cache_root + "/1";
  CROMT_TRY(scratch_.MakeDirectories(cache));
  CROMT_TRY(scratch_.Write(cache_root + "/config.json", JsonText(parameters)));
  if (task.language == Language::kPython) {
    const std::string directory = repository_.Absolute(task.directory);
    CROMT_TRY(scratch_.Write(cache + "/places.json",
                             JsonText({{"root_dir", Value{directory}}, {"task_dir", Value{directory}}})));
    return scratch_.Write(cache + "/sparrow6lib.py", kPythonLibrary);
  }
  const bool bash = task.language == Language::kBash;
  CROMT_TRY(scratch_.Write(cache + "/parameters", bash ? BashParameters(parameters) : ShParameters(parameters)));
  return scratch_.Write(cache + "/glue", bash ? kBashGlue : kShGlue);
}

}  // namespace cromt::step
