// cromt [--conf FILE]: makes the coordinator know a job file.
#include "cli/command.h"
#include "cli/job_source.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

class Apply final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions& global) override {
    arguments.Option("--conf", "FILE", global.conf, "the job file; ~/cromtit.yaml unless given");
    arguments.Flag("--dry-run", wish_.dry_run, "say what would change, change nothing");
    arguments.Flag("--prune", wish_.prune, "also remove the projects that are gone from the file");
    arguments.Option("--if-revision", "N", if_revision_, "only if the file is at revision N; 0: not applied yet");
  }

  Result<ExitCode> Run(Session& session) override {
    ApplyRequest request;
    CROMT_ASSIGN(request.if_revision, ReadNumber("--if-revision", if_revision_, UINT64_MAX));
    CROMT_ASSIGN(const std::string name, session.JobFilePath());
    CROMT_ASSIGN(JobSource source, ReadJobSource(name, session.world()));
    request.request = session.NewRequest();
    request.path = std::move(source.path);
    request.text = std::move(source.text);
    request.prune = wish_.prune;
    request.dry_run = wish_.dry_run;
    request.author = session.world().user;
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const ApplyAnswer answer, control->Apply(request));
    for (const std::string& warning : answer.warnings) session.messages().Warn(warning);
    session.output().Applied(answer, wish_);
    return ExitCode::kDone;
  }

 private:
  ApplyWish wish_;
  std::optional<std::string> if_revision_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Apply>();
}

}  // namespace

const CommandInfo kApplyInfo = {
    .name = "",
    .usage = "[--conf FILE] [--dry-run] [--prune] [--if-revision N]",
    .summary = "apply a job file",
    .about =
        "Without a command, applies a job file: the coordinator then knows its projects.\n"
        "Prints what is added (+), changed (~) and gone (-).",
    .examples =
        "cromt --conf jobs.yaml\n"
        "cromt --conf jobs.yaml --dry-run",
    .make = Make,
};

}  // namespace cromt::cli
