// cromt runs, projects: what a coordinator knows.
#include "base/name.h"
#include "cli/command.h"
#include "cli/project_word.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

constexpr uint32_t kDefaultRuns = 50;
constexpr uint32_t kMostRuns = 10'000;

class Runs final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Option("--project", "P", project_, "only runs of this project");
    arguments.Option("--limit", "N", limit_, "how many, the newest first; 50 unless given");
    arguments.Flag("--local", local_, "of the runs of 'cromt run' that are kept on this machine");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_ASSIGN(const auto limit, ReadNumber("--limit", limit_, kMostRuns));
    if (limit == 0u) return Fail(ErrorCode::kInvalid, "--limit: at least 1");
    if (project_) CROMT_TRY(CheckName("project", *project_));
    CROMT_ASSIGN(const auto control, session.ConnectToLook(local_));
    CROMT_ASSIGN(const auto runs,
                 control->ListRuns(project_.value_or(""), static_cast<uint32_t>(limit.value_or(kDefaultRuns))));
    if (runs.empty() && project_) CROMT_TRY(WhyNone(*control));
    session.output().ListRuns(runs);
    return ExitCode::kDone;
  }

 private:
  // An unknown project is a mistake; one that has no run yet is none.
  Status WhyNone(Control& control) const {
    if (local_) return Fail(ErrorCode::kNotFound, "no run of " + Quote(*project_) + " is kept on this machine");
    return CheckProjectKnown(control, *project_);
  }

  std::optional<std::string> project_, limit_;
  bool local_ = false;
};

class Projects final : public Command {
 public:
  void Declare(Arguments&, GlobalOptions&) override {}
  Result<ExitCode> Run(Session& session) override {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto listed, control->ListProjects());
    for (const std::string& notice : listed.notices) session.messages().Warn(notice);
    session.output().ListProjects(listed.projects);
    return ExitCode::kDone;
  }
};

template <class T>
std::unique_ptr<Command> Make() {
  return std::make_unique<T>();
}

}  // namespace

const CommandInfo kRunsInfo = {
    .name = "runs",
    .usage = "[--project P] [--limit N] [--local]",
    .summary = "list runs, the newest first",
    .about = "Lists runs, the newest first. In JSON one object a line.",
    .examples =
        "cromt runs --project hello --limit 5\n"
        "cromt runs -o quiet",
    .make = Make<Runs>,
};

const CommandInfo kProjectsInfo = {
    .name = "projects",
    .usage = "",
    .summary = "list the projects of all applied job files",
    .about = "Lists the projects that can be started, with the file each comes from. In JSON one object a line.",
    .examples = "cromt projects",
    .make = Make<Projects>,
};

}  // namespace cromt::cli
