// cromt show RUN [TASK]
#include "cli/command.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class Show final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.Word("TASK", task_,
                   "a task's id or unique name, of which there is more to see; the whole run unless given");
    arguments.Flag("--local", local_, "of the runs of 'cromt run' that are kept on this machine");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.ConnectToLook(local_));
    CROMT_ASSIGN(const RunView view, control->GetRun(run_, session.world().user));
    if (task_.empty()) {
      session.output().ShowRun(view);
    } else {
      CROMT_ASSIGN(const TaskIndex task, FindTask(view, task_));
      session.output().ShowTask(view, task);
    }
    return ExitCode::kDone;
  }

 private:
  std::string run_;
  std::string task_;
  bool local_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Show>();
}

}  // namespace

const CommandInfo kShowInfo = {
    .name = "show",
    .usage = "RUN [TASK]",
    .summary = "show a run and its tasks",
    .about =
        "Shows how a run stands or ended, with each of its tasks: host, outcome, exit code, time and reason.\n"
        "Of a task also its agent, its times, and the digest of the image that its container was made of.",
    .examples =
        "cromt show last\n"
        "cromt show k3j2 build\n"
        "cromt show k3j2 -o json | jq '.tasks[] | select(.outcome != \"succeeded\")'",
    .make = Make,
};

}  // namespace cromt::cli
