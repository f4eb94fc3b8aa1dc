// cromt cancel RUN [TASK]
#include <fmt/format.h>

#include "cli/clean_text.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class Cancel final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.Word("TASK", task_, "a task's id or unique name; the whole run unless given");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.Connect());
    const std::string& user = session.world().user;
    CROMT_ASSIGN(const RunView view, control->GetRun(run_, user));
    std::string task;
    if (!task_.empty()) {
      CROMT_ASSIGN(const TaskIndex index, FindTask(view, task_));
      task = std::to_string(index + 1);
    }
    const std::string id = view.header.id.text();
    if (view.status.state == RunState::kFinished)
      return Fail(ErrorCode::kConflict, fmt::format("run {} has ended already: {}", id, Standing(view.status)));
    // Whoever says "last" or a prefix sees what it meant before it is done.
    if (run_ != id)
      session.messages().Say(fmt::format("{} is run {} of {}, created at {}", run_, id, Clean(view.header.project),
                                         LocalTime(view.header.created_at)));
    CROMT_ASSIGN(const RunId canceled, control->Cancel(id, task, user));
    session.output().CancelAsked(canceled, task);
    return ExitCode::kDone;
  }

 private:
  std::string run_;
  std::string task_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Cancel>();
}

}  // namespace

const CommandInfo kCancelInfo = {
    .name = "cancel",
    .usage = "RUN [TASK]",
    .summary = "end a run or one of its tasks",
    .about =
        "Asks for the end of a run, or of one task. Processes get TERM, and KILL after their grace period; this\n"
        "command does not wait for them. What comes 'after' with 'when: always' or 'failure' still runs; a second "
        "cancel\n"
        "of the run stops that, too.",
    .examples =
        "cromt cancel last\n"
        "cromt cancel k3j2 2",
    .make = Make,
};

}  // namespace cromt::cli
