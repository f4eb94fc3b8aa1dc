// cromt ticks PROJECT: the ledger of what started by itself, and what did not.
#include "base/name.h"
#include "cli/command.h"
#include "cli/project_word.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

constexpr uint32_t kDefaultTicks = 50;
constexpr uint32_t kMostTicks = 10'000;

class Ticks final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("PROJECT", project_, "whose crontab it is");
    arguments.Option("--limit", "N", limit_, "how many lines, the newest first; 50 unless given");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_ASSIGN(const auto limit, ReadNumber("--limit", limit_, kMostTicks));
    if (limit == 0u) return Fail(ErrorCode::kInvalid, "--limit: at least 1");
    CROMT_TRY(CheckName("project", project_));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto ticks, control->ListTicks(project_, static_cast<uint32_t>(limit.value_or(kDefaultTicks))));
    if (ticks.empty()) CROMT_TRY(CheckProjectKnown(*control, project_));
    session.output().ListTicks(ticks);
    return ExitCode::kDone;
  }

 private:
  std::string project_;
  std::optional<std::string> limit_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Ticks>();
}

}  // namespace

const CommandInfo kTicksInfo = {
    .name = "ticks",
    .usage = "PROJECT [--limit N]",
    .summary = "list what a project's crontab has started, skipped or missed, and why",
    .about =
        "Each time at which a project's crontab is due, a tick, has one line here: it started a run, or was skipped "
        "or\n"
        "missed, and why. Many that were missed at once share a line. Times are those of this machine; in JSON UTC, "
        "one\n"
        "object a line. 'cromt projects' says when the next one is due.",
    .examples =
        "cromt ticks nightly\n"
        "cromt ticks nightly -o json | jq 'select(.outcome != \"started\")'",
    .make = Make,
};

}  // namespace cromt::cli
