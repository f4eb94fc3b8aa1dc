// cromt show RUN
#include "cli/command.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class Show final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.Flag("--local", local_, "of the runs of 'cromt run' that are kept on this machine");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.ConnectToLook(local_));
    CROMT_ASSIGN(const RunView view, control->GetRun(run_, session.world().user));
    session.output().ShowRun(view);
    return ExitCode::kDone;
  }

 private:
  std::string run_;
  bool local_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Show>();
}

}  // namespace

const CommandInfo kShowInfo = {
    .name = "show",
    .usage = "RUN",
    .summary = "show a run and its tasks",
    .about = "Shows how a run stands or ended, with each of its tasks: host, outcome, exit code, time and reason.",
    .examples =
        "cromt show last\n"
        "cromt show k3j2 -o json | jq '.tasks[] | select(.outcome != \"succeeded\")'",
    .make = Make,
};

}  // namespace cromt::cli
