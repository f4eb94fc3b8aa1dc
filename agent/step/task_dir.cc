#include "agent/step/task_dir.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <vector>

#include "base/name.h"

namespace cromt::step {
namespace {

struct Extension {
  std::string_view text;
  std::optional<Language> language;  // nullopt: Sparrow runs it, cromt doesn't yet
};

// Sparrow's order, with sh behind bash.
constexpr std::array<Extension, 10> kExtensions = {{{"raku", std::nullopt},
                                                    {"pl6", std::nullopt},
                                                    {"pl", std::nullopt},
                                                    {"bash", Language::kBash},
                                                    {"sh", Language::kSh},
                                                    {"go", std::nullopt},
                                                    {"rb", std::nullopt},
                                                    {"py", Language::kPython},
                                                    {"ps1", std::nullopt},
                                                    {"php", std::nullopt}}};

// Files and folders beside the main file that would change what it does.
constexpr std::array<std::string_view, 13> kNotYet = {
    "config.raku", "config.yaml",      "task.check", "common.bash", "common.rb", "common.php", "cpanfile",
    "Gemfile",     "requirements.txt", "rakufile",   "lib",         "bin",       "python-lib"};

constexpr size_t kMaxActionBytes = 1024;

std::string Join(const std::string& directory, std::string_view file) {
  return directory == "." ? std::string(file) : fmt::format("{}/{}", directory, file);
}

tl::unexpected<Error> NotYet(const std::string& path) {
  return Fail(ErrorCode::kInvalid, fmt::format("{} is outside what cromt runs itself yet", Quote(path)));
}

// The first of STEM.raku, STEM.bash, …; an empty file name if there is none.
Result<TaskFile> FirstFile(const Repository& repository, const std::string& stem) {
  for (const Extension& extension : kExtensions) {
    std::string path = fmt::format("{}.{}", stem, extension.text);
    CROMT_ASSIGN(bool found, repository.IsFile(path));
    if (!found) continue;
    if (!extension.language) return NotYet(path);
    return TaskFile{.language = *extension.language, .file = std::move(path)};
  }
  return TaskFile{};
}

Status RefuseWhatIsNotYetRead(const Repository& repository, const std::string& path) {
  for (std::string_view stem : {"hook", "job"})
    for (const Extension& extension : kExtensions) {
      std::string hook = Join(path, fmt::format("{}.{}", stem, extension.text));
      if (repository.Exists(hook)) return NotYet(hook);
    }
  for (std::string_view name : kNotYet)
    if (repository.Exists(Join(path, name))) return NotYet(Join(path, name));
  return {};
}

Status CheckActionName(std::string_view name) {
  if (name.size() > kMaxActionBytes) return Fail(ErrorCode::kInvalid, "action name: too long");
  while (true) {
    const size_t slash = name.find('/');
    CROMT_TRY(CheckName("action name", name.substr(0, slash)));
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string DirName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

Result<TaskFile> FindTask(const Repository& repository, std::string_view name, const std::string& path) {
  CROMT_ASSIGN(bool exists, repository.IsDirectory(path));
  if (!exists) return Fail(ErrorCode::kNotFound, fmt::format("task directory {} does not exist", Quote(name)));
  CROMT_TRY(RefuseWhatIsNotYetRead(repository, path));
  CROMT_ASSIGN(TaskFile task, FirstFile(repository, Join(path, "task")));
  if (task.file.empty())
    return Fail(ErrorCode::kInvalid, fmt::format("{} holds no task.bash, task.sh or task.py", Quote(name)));
  task.directory = path;
  task.name = name;
  task.title = fmt::format("{} - {}", BaseName(task.file), name);
  return task;
}

Result<Action> FindAction(const Repository& repository, const std::string& name) {
  CROMT_TRY(CheckActionName(name));
  const std::string stem = ".tom/" + name;
  CROMT_ASSIGN(bool scenario, repository.IsFile(stem + ".raku"));
  if (scenario) return Action{.kind = Action::Kind::kScenario, .scenario = stem + ".raku"};
  CROMT_ASSIGN(TaskFile script, FirstFile(repository, stem));
  if (!script.file.empty()) {
    script.directory = DirName(script.file);
    script.name = name;
    script.title = fmt::format("{} - {}", BaseName(script.file), name);
    return Action{.kind = Action::Kind::kTask, .task = std::move(script)};
  }
  auto task = FindTask(repository, "tasks/" + name, "tasks/" + name);
  if (task) return Action{.kind = Action::Kind::kTask, .task = std::move(*task)};
  if (task.error().code != ErrorCode::kNotFound) return tl::unexpected(std::move(task).error());
  return Fail(ErrorCode::kNotFound, fmt::format("action {0} not found: searched .tom/{0}.raku, .tom/{0}.bash, "
                                                ".tom/{0}.sh, .tom/{0}.py and tasks/{0}/",
                                                name));
}

}  // namespace cromt::step
