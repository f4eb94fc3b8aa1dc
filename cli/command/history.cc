// cromt history [PROJECT]: the applied revisions of job files.
#include "base/name.h"
#include "cli/command.h"
#include "cli/project_word.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

constexpr uint32_t kDefaultRevisions = 50;
constexpr uint32_t kMostRevisions = 10'000;

class History final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("PROJECT", project_, "only the revisions that changed it in some way");
    arguments.Option("--limit", "N", limit_, "how many, the newest first; 50 unless given");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_ASSIGN(const auto limit, ReadNumber("--limit", limit_, kMostRevisions));
    if (limit == 0u) return Fail(ErrorCode::kInvalid, "--limit: at least 1");
    if (!project_.empty()) CROMT_TRY(CheckName("project", project_));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto revisions,
                 control->ListRevisions(project_, static_cast<uint32_t>(limit.value_or(kDefaultRevisions))));
    if (revisions.empty() && !project_.empty()) CROMT_TRY(CheckProjectKnown(*control, project_));
    session.output().ListRevisions(revisions);
    return ExitCode::kDone;
  }

 private:
  std::string project_;
  std::optional<std::string> limit_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<History>();
}

}  // namespace

const CommandInfo kHistoryInfo = {
    .name = "history",
    .usage = "[PROJECT] [--limit N]",
    .summary = "list the revisions of job files: who applied what, and what changed",
    .about =
        "Lists the applied revisions of all job files, the newest first: when, by whom, and which projects it added "
        "(+),\n"
        "changed (~) or lost (-). With PROJECT only those that changed it in some way, also after it was removed.\n"
        "In JSON one object a line.",
    .examples =
        "cromt history\n"
        "cromt history hello --limit 5\n"
        "cromt history -o json | jq 'select(.changed | index(\"hello\"))'",
    .make = Make,
};

}  // namespace cromt::cli
