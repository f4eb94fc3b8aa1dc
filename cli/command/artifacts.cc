// cromt artifacts RUN
#include "cli/command.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class ListArtifacts final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto artifacts, control->ListArtifacts(run_, session.world().user));
    session.output().ListArtifacts(artifacts);
    return ExitCode::kDone;
  }

 private:
  std::string run_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<ListArtifacts>();
}

}  // namespace

const CommandInfo kArtifactsInfo = {
    .name = "artifacts",
    .usage = "RUN",
    .summary = "list what the tasks of a run have published",
    .about =
        "Lists the artifacts of a run: name, host, task, size. 'cromt get' fetches one. In JSON one object a line.",
    .examples =
        "cromt artifacts last\n"
        "cromt artifacts last -o json | jq .name",
    .make = Make,
};

}  // namespace cromt::cli
