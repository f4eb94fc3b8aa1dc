// cromt start PROJECT
#include "base/name.h"
#include "cli/command.h"
#include "cli/start_flags.h"
#include "cli/wait_flags.h"

namespace cromt::cli {
namespace {

class Start final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("PROJECT", request_.project, "a project of an applied job file");
    flags_.Declare(arguments);
    wait_.Declare(arguments);
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckName("project", request_.project));
    CROMT_TRY(flags_.CheckAction());
    CROMT_ASSIGN(request_.variables, flags_.ReadVars());
    CROMT_TRY(wait_.Check());
    request_.action = flags_.action.value_or("");
    request_.request = session.NewRequest();
    request_.author = session.world().user;
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const RunId run, control->Start(request_));
    return wait_.AfterStart(session, *control, run);
  }

 private:
  StartRequest request_;
  StartFlags flags_;
  WaitFlags wait_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Start>();
}

}  // namespace

const CommandInfo kStartInfo = {
    .name = "start",
    .usage = "PROJECT [--follow | --wait]",
    .summary = "start a run, print its id",
    .about =
        "Asks the coordinator for a run of PROJECT and prints its id. Without --wait or --follow it does not wait.",
    .examples =
        "cromt start hello --follow\n"
        "cromt start hello --var MODE=fast --wait --timeout 10m\n"
        "id=$(cromt start hello)",
    .make = Make,
};

}  // namespace cromt::cli
