// cromt why RUN [TASK]
#include "cli/command.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class Why final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.Word("TASK", task_, "a task's id or unique name; the whole run unless given");
    arguments.Flag("--local", local_, "of the runs of 'cromt run' that are kept on this machine");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.ConnectToLook(local_));
    const std::string& user = session.world().user;
    CROMT_ASSIGN(const RunView view, control->GetRun(run_, user));
    std::optional<TaskIndex> task;
    if (!task_.empty()) {
      CROMT_ASSIGN(task, FindTask(view, task_));
    }
    CROMT_ASSIGN(const WhyLines lines,
                 control->Why(view.header.id.text(), task ? std::to_string(*task + 1) : "", user));
    session.output().ShowWhy(view, task, lines);
    return ExitCode::kDone;
  }

 private:
  std::string run_;
  std::string task_;
  bool local_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Why>();
}

}  // namespace

const CommandInfo kWhyInfo = {
    .name = "why",
    .usage = "RUN [TASK]",
    .summary = "say why a run or task waits, failed, was skipped, tried again or lost",
    .about =
        "Says in words why a run, or one of its tasks, stands where it does: what it waits for and who holds that, "
        "down\n"
        "to the first cause; how its earlier attempts ended; and how it ended itself.",
    .examples =
        "cromt why last\n"
        "cromt why k3j2 deploy",
    .make = Make,
};

}  // namespace cromt::cli
