// cromt init [DIR]: a small repository to begin with.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/name.h"
#include "base/unique_fd.h"
#include "cli/clean_text.h"
#include "cli/command.h"
#include "cli/job_source.h"
#include "core/source_path.h"

namespace cromt::cli {
namespace {

namespace fs = std::filesystem;

struct Starter {
  std::string_view name;
  std::string_view text;  // "{path}" is replaced
};

constexpr std::array<Starter, 3> kFiles = {
    {{"jobs.yaml", R"(# Run it here, in this folder:       cromt run ./jobs.yaml
# Make a coordinator know it:         cromt --conf jobs.yaml
# Start it there and watch:           cromt start hello --follow
projects:
  hello:
    path: {path}  # this folder, used in place; the URL of a Git repository is cloned
    action: hello  # .tom/hello.raku; without that file, tasks/hello
    vars:
      WHO: world
)"},
     {".tom/hello.raku", R"(#!raku
# What the action 'hello' does: it runs a task with its configuration.
task-run "tasks/hello", %(
  greeting => "Hello",
  who => %*ENV<WHO>
);
)"},
     {"tasks/hello/task.bash", R"(# A task. Its configuration comes from whoever runs it: .tom/hello.raku.
echo "$(config greeting), $(config who)! This is $(hostname)."
)"}}};

// A scalar of YAML that nothing in it can end.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

class Init final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("DIR", dir_, "where to; the current directory unless given. It is made if it is not there");
  }

  Result<ExitCode> Run(Session& session) override {
    const fs::path dir = fs::path(AbsolutePath(dir_.empty() ? "." : dir_, session.world()));
    path_ = dir.has_filename() ? dir.string() : dir.parent_path().string();
    CROMT_TRY(CheckPath());
    for (const Starter& file : kFiles) {
      std::error_code error;
      if (fs::symlink_status(path_ + "/" + std::string(file.name), error).type() != fs::file_type::not_found)
        return Fail(ErrorCode::kConflict, fmt::format("{}/{} is there already; nothing was written", path_, file.name));
    }
    std::vector<std::string> written;
    for (const Starter& file : kFiles) {
      CROMT_TRY(Write(file));
      written.emplace_back(file.name);
    }
    session.output().Initialized(dir_, written);
    return ExitCode::kDone;
  }

 private:
  // The job file names the folder, so its path must mean a folder there.
  Status CheckPath() const {
    if (!IsUtf8(path_)) return Fail(ErrorCode::kInvalid, "the directory's name is not UTF-8");
    CROMT_ASSIGN(const Source source, ParseSourcePath(path_));
    if (!source.directory.empty()) return {};
    return Fail(ErrorCode::kInvalid, fmt::format("{} would be taken for a Git repository", Quote(path_)));
  }

  Status Write(const Starter& starter) const {
    const std::string name = path_ + "/" + std::string(starter.name);
    std::error_code error;
    fs::create_directories(fs::path(name).parent_path(), error);
    if (error) return tl::unexpected<Error>(ErrnoError(fs::path(name).parent_path().string(), error.value()));
    const UniqueFd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file) return tl::unexpected<Error>(ErrnoError(name, errno));
    std::string text(starter.text);
    if (const size_t at = text.find("{path}"); at != std::string::npos) text.replace(at, 6, Quoted(path_));
    FdWriter writer(file.get(), name);
    writer.Write(text);
    if (const auto failure = writer.failure()) return tl::unexpected<Error>(*failure);
    return {};
  }

  std::string dir_;   // as it was given
  std::string path_;  // absolute
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Init>();
}

}  // namespace

const CommandInfo kInitInfo = {
    .name = "init",
    .usage = "[DIR]",
    .summary = "write a small repository that runs",
    .about =
        "Writes a job file, an action and the task that it runs. Needs no coordinator, and overwrites nothing:\n"
        "where one of the files is there already, none is written.",
    .examples =
        "cromt init\n"
        "cromt init hello && cd hello && cromt run ./jobs.yaml",
    .make = Make,
};

}  // namespace cromt::cli
