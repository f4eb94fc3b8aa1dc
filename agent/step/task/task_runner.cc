#include "agent/step/task/task_runner.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>

#include "agent/step/json_value.h"
#include "agent/step/task/capture.h"
#include "agent/step/task/check_run.h"
#include "agent/step/task/environment.h"
#include "agent/step/task/hook_output.h"
#include "agent/step/task/library.h"
#include "agent/step/task/lines.h"
#include "agent/step/task/yaml_value.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int kExitFailed = 1;
constexpr size_t kMaxDumpedBytes = 1 << 20;
// Folders of the scratch. Tasks come one after another, so they share the second.
constexpr std::string_view kLibraries = "lib";
constexpr std::string_view kCacheRoot = "task";

using seglog::Stream;

}  // namespace

// One task with all that it brings along: they share the cache root, the parameters and the state.
class TaskRunner::Session {
 public:
  Session(TaskRunner& runner, const Repository& repository, const TaskRun& run)
      : runner_(runner), scratch_(runner.scratch_), repository_(repository), run_(run) {}

  int Run() {
    if (auto begun = Begin(); !begun) return Refuse(begun.error());
    if (const int code = Install(); code != 0) return code;
    if (run_.script) return RunProgram(*run_.script, {}, 0, runner_.output_);
    return RunDirectory(Join(run_.root, run_.task), {}, 0);
  }

  size_t check_failures() const { return check_failures_; }

  Result<Map> State() const {
    auto text = ReadFile(Absolute(StateFile()), kMaxStateBytes);
    if (!text && text.error().code == ErrorCode::kNotFound) return Map{};
    if (!text) return tl::unexpected(std::move(text).error());
    CROMT_ASSIGN(Value value, ParseJson(*text));
    Map* map = std::get_if<Map>(&value.form);
    return map ? std::move(*map) : Map{};
  }

 private:
  std::string Absolute(std::string_view relative) const { return fmt::format("{}/{}", scratch_.path(), relative); }
  std::string StateFile() const { return fmt::format("{}/state.json", kCacheRoot); }

  int Refuse(const Error& error) {
    runner_.output_.Note(fmt::format("{}: {}", run_.name, error.message));
    return kExitFailed;
  }

  Status Begin() {
    CROMT_TRY(scratch_.Make());
    for (std::string_view folder : {kLibraries, kCacheRoot}) CROMT_TRY(scratch_.MakeDirectories(std::string(folder)));
    scratch_.Remove(StateFile());
    scratch_.Tidy(std::string(kCacheRoot));
    if (!run_.script) {
      CROMT_ASSIGN(config_, Defaults());
    }
    config_ = MergeMaps(config_, run_.parameters);
    JoinArgs(config_);
    return scratch_.Write(fmt::format("{}/config.json", kCacheRoot), JsonText(config_));
  }

  int Install() {
    if (run_.script) return 0;
    auto outcome = runner_.dependencies_.Install(repository_, run_.root, run_.name);
    if (!outcome) return Refuse(outcome.error());
    installed_ = std::move(outcome->installed);
    return outcome->exit_code;
  }

  Result<Map> Defaults() {
    for (std::string_view name : {"config.raku", "config.yaml"}) {
      const std::string file = Join(run_.root, name);
      CROMT_ASSIGN(const bool found, repository_.IsFile(file));
      if (!found) continue;
      CROMT_ASSIGN(std::string text, repository_.Read(file, kMaxDefaultsBytes));
      return name == "config.raku" ? runner_.read_raku_(repository_.Absolute(file), file, text)
                                   : ParseYamlMap(std::move(text), file);
    }
    return Map{};
  }

  int RunDirectory(const std::string& path, const Map& variables, int depth) {
    if (depth > kMaxTaskDepth)
      return Refuse(
          {ErrorCode::kExhausted, fmt::format("subtasks lie more than {} deep in each other", kMaxTaskDepth)});
    auto dir = ReadTaskDir(repository_, path);
    if (!dir) return Refuse(dir.error());
    hook_stdout_.clear();
    if (dir->hook)
      if (int code = RunHook(*dir->hook, variables, depth); code != 0) return code;
    if (!dir->task) return 0;
    TeeOutput tee(runner_.output_, dir->check ? kMaxCheckedBytes : 0);
    const int code = RunProgram(*dir->task, variables, depth, tee);
    if (code == 0 && dir->check) return Check(*dir->check, tee, depth);
    return code;
  }

  // ---- Programs -------------------------------------------------------------------------------

  struct Program {
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string cache;  // absolute
  };

  // `file` is absolute.
  Result<Program> Prepare(Language language, const std::string& file, const Map& variables, int depth) {
    if (++runner_.programs_ > kMaxPrograms)
      return Fail(ErrorCode::kExhausted, fmt::format("a job that runs more than {} tasks and hooks", kMaxPrograms));
    const std::string cache = fmt::format("{}/{}", kCacheRoot, depth + 1);
    CROMT_TRY(scratch_.MakeDirectories(cache));
    scratch_.Remove(cache + "/stdout");  // of the program before
    const Places places{.root = repository_.Absolute(run_.root),
                        .directory = DirName(file),
                        .cache_root = Absolute(kCacheRoot),
                        .cache = Absolute(cache),
                        .libraries = Absolute(kLibraries)};
    if (runner_.has_library_.insert(language).second)
      CROMT_TRY(WriteLibrary(scratch_, std::string(kLibraries), language));
    CROMT_TRY(WriteParameters(scratch_, cache, language, places, config_, variables));
    Program program{CommandFor(language, file, places), {}, places.cache};
    std::vector<SearchPath> modules;
    EnvironmentVariables added;
    for (const Installed& one : installed_) {
      for (SearchPath& path : SearchPathsOf(one)) modules.push_back(std::move(path));
      if (one.file != "Gemfile") continue;
      added = {{"BUNDLE_GEMFILE", Join(places.root, one.file)}, {"BUNDLE_PATH", one.path}};
      if (language == Language::kRuby) program.argv.insert(program.argv.begin(), {"bundle", "exec"});
    }
    program.environment = EnvironmentFor(places, modules, added);
    return program;
  }

  // Not an end of the program itself, but of the attempt to start it: said, and what it counts as.
  int NotStarted(const ProgramFile& file, const Error& error) {
    const LanguageFacts& facts = FactsOf(file.language);
    if (error.code == ErrorCode::kExhausted) return Refuse(error);
    const bool missing = error.code == ErrorCode::kNotFound;
    const std::string hint = missing && !facts.package.empty() ? fmt::format("; install {}", facts.package) : "";
    runner_.output_.Note(
        fmt::format("{} needs {}, which can't be started: {}{}", file.file, facts.program, error.message, hint));
    return missing ? kExitNoProgram : kExitNotExecutable;
  }

  int RunProgram(const ProgramFile& file, const Map& variables, int depth, Output& output) {
    if (int signal = runner_.children_.stop_signal(); signal != 0) return kExitSignalBase + signal;
    DumpCode(file);
    output.Put(TaskBegan{TitleOf(file)});
    TaskEnded ended{.name = run_.name};
    auto program = Prepare(file.language, repository_.Absolute(file.file), variables, depth);
    if (!program) {
      ended.exit_code = Refuse(program.error());
    } else if (auto status = runner_.children_.Run(program->argv, program->environment, output); status) {
      ended.exit_code = status->exit_code;
      ended.signal = status->signal;
    } else {
      ended.exit_code = NotStarted(file, status.error());
    }
    if (std::exchange(ignore_error_, false) && runner_.children_.stop_signal() == 0) ended = {.name = run_.name};
    output.Put(ended);
    return ended.signal != 0 ? kExitSignalBase + ended.signal : ended.exit_code;
  }

  // Where Sparrow's switch for it is on: the program's text, numbered.
  void DumpCode(const ProgramFile& file) {
    const char* wanted = ::getenv("SP6_DUMP_TASK_CODE");
    if (!wanted || !*wanted) return;
    auto text = repository_.Read(file.file, kMaxDumpedBytes);
    runner_.output_.Put(SectionBegan{fmt::format("dump code: {}", BaseName(file.file))});
    if (!text) return runner_.output_.Note(text.error().message);
    for (size_t number = 1; std::string_view line : Lines(*text))
      runner_.output_.Put(OwnLine{fmt::format("[{}] {}", number++, line)});
  }

  std::string TitleOf(const ProgramFile& file) const { return fmt::format("{} - {}", BaseName(file.file), run_.name); }

  // ---- Hooks ----------------------------------------------------------------------------------

  int RunHook(const ProgramFile& file, const Map& variables, int depth) {
    if (int signal = runner_.children_.stop_signal(); signal != 0) return kExitSignalBase + signal;
    auto program = Prepare(file.language, repository_.Absolute(file.file), variables, depth);
    if (!program) return Refuse(program.error());
    CaptureOutput capture;
    auto status = runner_.children_.Run(program->argv, program->environment, capture, kMaxHookBytes);
    if (!status) return NotStarted(file, status.error());
    if (status->signal != 0 || status->exit_code != 0) return HookFailed(*status, capture);
    auto requests = ReadHookOutput(capture.out);
    if (!requests) return Refuse({requests.error().code, fmt::format("{}: {}", file.file, requests.error().message)});
    for (const HookRequest& request : *requests)
      if (int code = Do(request, file, depth); code != 0) return code;
    return TakeHookStdout(program->cache + "/stdout");
  }

  int HookFailed(const ChildStatus& status, const CaptureOutput& capture) {
    Output& output = runner_.output_;
    output.Put(TaskEnded{.name = run_.name, .exit_code = status.exit_code, .signal = status.signal, .is_hook = true});
    auto show = [&](std::string_view title, const std::string& text) {
      if (text.empty()) return;
      output.Put(SectionBegan{std::string(title)});
      output.Bytes(Stream::kStdout, text);
      if (!text.ends_with('\n')) output.Bytes(Stream::kStdout, "\n");
    };
    show("hook stdout", capture.out);
    show("hook stderr", capture.err);
    return runner_.children_.stop_signal() == 0 ? kExitHookFailed : kExitSignalBase + runner_.children_.stop_signal();
  }

  int Do(const HookRequest& request, const ProgramFile& hook, int depth) {
    if (std::holds_alternative<IgnoreError>(request)) {
      ignore_error_ = true;
    } else if (std::holds_alternative<IgnoreCheckError>(request)) {
      ignore_check_error_ = true;
    } else {
      const auto& subtask = std::get<RunSubtask>(request);
      auto path = RelativePath(repository_.root(), fmt::format("tasks/{}", subtask.name));
      if (!path) return Refuse({path.error().code, fmt::format("{}: {}", hook.file, path.error().message)});
      return RunDirectory(Join(run_.root, *path), subtask.variables, depth + 1);
    }
    return 0;
  }

  // What set_stdout wrote is shown, and checked like what the task prints.
  int TakeHookStdout(const std::string& path) {
    auto text = ReadFile(path, kMaxCheckedBytes);
    hook_stdout_.clear();  // a subtask's
    if (!text && text.error().code == ErrorCode::kNotFound) return 0;
    if (!text) return Refuse(text.error());
    hook_stdout_ = std::move(*text);
    if (!hook_stdout_.empty() && !hook_stdout_.ends_with('\n')) hook_stdout_ += '\n';
    runner_.output_.Put(SectionBegan{"hook stdout"});
    runner_.output_.Bytes(Stream::kStdout, hook_stdout_);
    return 0;
  }

  // ---- Checks ---------------------------------------------------------------------------------

  int Check(const CheckFile& file, const TeeOutput& tee, int depth) {
    const bool ignored = std::exchange(ignore_check_error_, false);
    if (tee.overflown())
      return CheckFailed(
          {ErrorCode::kExhausted,
           fmt::format("{}: the task printed more than {} bytes, which are not checked", file.name, kMaxCheckedBytes)});
    const CheckServices services{
        .run_code = [&](Language language, std::string_view code,
                        const CheckState& state) { return RunCode(language, code, state, depth); },
        .read_source = [&](const std::string& path) { return ReadSource(path); }};
    auto failed = RunCheck(file, hook_stdout_ + tee.out(), services, runner_.output_);
    if (!failed) return CheckFailed(failed.error());
    check_failures_ += *failed;
    if (*failed == 0 || ignored) return 0;
    for (std::string_view line : {"=================", "TASK CHECK FAIL"})
      runner_.output_.Put(OwnLine{std::string(line)});
    return kExitCheckFailed;
  }

  int CheckFailed(const Error& error) {
    Refuse(error);
    return kExitCheckFailed;
  }

  Result<std::string> RunCode(Language language, std::string_view code, const CheckState& state, int depth) {
    for (const auto& [name, text] :
         {std::pair("captures.json", state.CapturesJson()), std::pair("matched.txt", state.MatchedText()),
          std::pair("streams.json", state.StreamsJson()), std::pair("streams-array.json", state.StreamsArrayJson())})
      CROMT_TRY(scratch_.Write(fmt::format("{}/{}", kCacheRoot, name), text));
    const std::string relative = fmt::format("{}/code.{}", kCacheRoot, FactsOf(language).extension);
    // PHP's programs begin outside of it; Sparrow's blocks don't.
    const bool bare_php = language == Language::kPhp && code.find("<?php") == std::string_view::npos;
    CROMT_TRY(scratch_.Write(relative, fmt::format("{}{}", bare_php ? "<?php" : "", code)));
    CROMT_ASSIGN(const Program program, Prepare(language, Absolute(relative), {}, depth));
    CaptureOutput capture;
    CROMT_ASSIGN(const ChildStatus status,
                 runner_.children_.Run(program.argv, program.environment, capture, kMaxHookBytes));
    runner_.output_.Bytes(Stream::kStderr, capture.err);
    if (status.signal != 0)
      return Fail(ErrorCode::kInvalid, fmt::format("the code was killed by signal {}", status.signal));
    if (status.exit_code != 0)
      return Fail(ErrorCode::kInvalid, fmt::format("the code ended with exit code {}", status.exit_code));
    return std::move(capture.out);
  }

  // Of the repository, or what a program of the task left in its caches.
  Result<std::string> ReadSource(const std::string& path) {
    const std::string own = Absolute(kCacheRoot) + "/";
    if (path.starts_with(own) && path.find("/../") == std::string::npos) return ReadFile(path, kMaxCheckedBytes);
    CROMT_ASSIGN(const std::string relative, RelativePath(repository_.root(), path));
    return repository_.Read(relative, kMaxCheckedBytes);
  }

  TaskRunner& runner_;
  Scratch& scratch_;
  const Repository& repository_;
  const TaskRun& run_;
  Map config_;
  std::vector<Installed> installed_;
  std::string hook_stdout_;
  bool ignore_error_ = false;        // of the next task
  bool ignore_check_error_ = false;  // of the next check
  size_t check_failures_ = 0;
};

TaskResult TaskRunner::Run(const Repository& repository, TaskRun run) {
  Session session(*this, repository, run);
  TaskResult result{.exit_code = session.Run()};
  result.check_failures = session.check_failures();
  if (result.exit_code != 0) return result;
  if (auto state = session.State(); state) {
    result.state = std::move(*state);
  } else {
    output_.Note(fmt::format("{}: the state that it left: {}", run.name, state.error().message));
    result.exit_code = kExitFailed;
  }
  return result;
}

}  // namespace cromt::step
