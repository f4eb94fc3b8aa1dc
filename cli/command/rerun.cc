// cromt rerun RUN
#include "cli/command.h"
#include "cli/run_word.h"
#include "cli/wait_flags.h"

namespace cromt::cli {
namespace {

class Rerun final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", request_.run, "a run's id, a unique prefix of it, or 'last'");
    arguments.Flag("--failed", request_.failed,
                   "only what has not succeeded and what depends on it; the rest is taken over with its artifacts");
    wait_.Declare(arguments);
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(request_.run));
    CROMT_TRY(wait_.Check());
    request_.request = session.NewRequest();
    request_.author = session.world().user;
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const RunId run, control->Rerun(request_));
    return wait_.AfterStart(session, *control, run);
  }

 private:
  RerunRequest request_;
  WaitFlags wait_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Rerun>();
}

}  // namespace

const CommandInfo kRerunInfo = {
    .name = "rerun",
    .usage = "RUN [--failed] [--follow | --wait]",
    .summary = "start an ended run again, print the new run's id",
    .about =
        "Starts the tasks of a run that has ended again: as the job file was then, with the same commits. With\n"
        "--failed only those that have not succeeded, and those that depend on them; the others count as done, and\n"
        "their artifacts are there.",
    .examples =
        "cromt rerun last --failed --follow\n"
        "cromt rerun k3j2",
    .make = Make,
};

}  // namespace cromt::cli
