#include "agent/step/task/task_dir.h"

#include <fmt/format.h>

#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxActionBytes = 1024;

// The first of STEM.raku, STEM.bash, … over all stems, language by language.
Result<std::optional<ProgramFile>> FirstFile(const Repository& repository, const std::string& directory,
                                             std::initializer_list<std::string_view> stems) {
  for (const LanguageFacts& language : Languages()) {
    for (std::string_view stem : stems) {
      std::string path = Join(directory, fmt::format("{}.{}", stem, language.extension));
      CROMT_ASSIGN(const bool found, repository.IsFile(path));
      if (found) return ProgramFile{language.language, std::move(path)};
    }
  }
  return std::nullopt;
}

Result<std::optional<CheckFile>> ReadCheck(const Repository& repository, const std::string& path) {
  const std::string check = Join(path, "task.check");
  CROMT_ASSIGN(const bool has_check, repository.IsFile(check));
  if (!has_check) return std::nullopt;
  CROMT_ASSIGN(const std::string text, repository.Read(check, kMaxCheckBytes));
  return ParseCheck(check, text);
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

}  // namespace

Result<TaskDir> ReadTaskDir(const Repository& repository, const std::string& path) {
  CROMT_ASSIGN(const bool exists, repository.IsDirectory(path));
  if (!exists) return Fail(ErrorCode::kNotFound, fmt::format("task directory {} does not exist", Quote(path)));
  TaskDir dir{.path = path};
  CROMT_ASSIGN(dir.hook, FirstFile(repository, path, {"hook", "job"}));
  CROMT_ASSIGN(dir.task, FirstFile(repository, path, {"task"}));
  if (!dir.hook && !dir.task)
    return Fail(ErrorCode::kInvalid,
                fmt::format("{} holds no task.bash (or .sh, .py, .pl …) and no hook", Quote(path)));
  CROMT_ASSIGN(dir.check, ReadCheck(repository, path));
  return dir;
}

Status CheckSubtasks(const Repository& repository, const std::string& root) {
  if (root == ".") return {};
  return repository.Walk(Join(root, "tasks"), kMaxSubtaskFiles, [&](const std::string& path, const auto&) -> Status {
    CROMT_TRY(ReadCheck(repository, path));
    return {};
  });
}

Result<Action> FindAction(const Repository& repository, const std::string& name) {
  CROMT_TRY(CheckActionName(name));
  const std::string stem = ".tom/" + name;
  CROMT_ASSIGN(const bool scenario, repository.IsFile(stem + ".raku"));
  if (scenario) return Action{.kind = Action::Kind::kScenario, .path = stem + ".raku"};
  CROMT_ASSIGN(auto script, FirstFile(repository, ".", {stem}));
  if (script) return Action{.kind = Action::Kind::kScript, .path = script->file, .program = std::move(*script)};
  std::string task = "tasks/" + name;
  CROMT_ASSIGN(const bool exists, repository.IsDirectory(task));
  if (exists) return Action{.kind = Action::Kind::kTask, .path = std::move(task)};
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("action {0} not found: searched .tom/{0}.raku, .tom/{0}.bash (or .sh, .py, .pl …) and tasks/{0}/",
                  name));
}

Result<std::string> RelativePath(const std::string& root, std::string_view text) {
  auto refuse = [written = text](ErrorCode code, std::string_view why) {
    return Fail(code, fmt::format("task path {} {}", Quote(written), why));
  };
  if (text.empty()) return refuse(ErrorCode::kInvalid, "is empty");
  if (text.find('\0') != std::string_view::npos) return refuse(ErrorCode::kInvalid, "holds a NUL character");
  if (text.front() == '/') {
    if (text != root && !text.starts_with(root + "/"))
      return refuse(ErrorCode::kDenied, "is absolute; a task lies in the repository");
    text.remove_prefix(root.size());
  }
  std::string path;
  while (!text.empty()) {
    const size_t slash = std::min(text.find('/'), text.size());
    const std::string_view segment = text.substr(0, slash);
    text.remove_prefix(std::min(slash + 1, text.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") return refuse(ErrorCode::kDenied, "leaves the repository with '..'");
    path += path.empty() ? "" : "/";
    path += segment;
  }
  return path.empty() ? "." : path;
}

std::string Join(const std::string& directory, std::string_view file) {
  if (file == ".") return directory;
  return directory == "." ? std::string(file) : fmt::format("{}/{}", directory, file);
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string DirName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace cromt::step
