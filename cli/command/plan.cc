// cromt plan PROJECT
#include "cli/command.h"
#include "cli/job_source.h"
#include "cli/run_config.h"
#include "cli/start_flags.h"
#include "core/action.h"
#include "core/planner.h"

namespace cromt::cli {
namespace {

class PlanCommand final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions& global) override {
    arguments.Word("PROJECT", project_, "the project to start; may be left out if the file has one only");
    arguments.Option("--conf", "FILE", global.conf, "the job file; ~/cromtit.yaml unless given");
    arguments.Option("--config", "FILE", config_, "a coordinator's configuration: its agents are used");
    flags_.Declare(arguments);
  }

  Result<ExitCode> Run(Session& session) override {
    StartOverrides overrides;
    CROMT_TRY(flags_.CheckAction());
    CROMT_ASSIGN(overrides.vars, flags_.ReadVars());
    if (flags_.action) {
      CROMT_ASSIGN(overrides.action, ParseAction(*flags_.action));
    }
    CROMT_ASSIGN(const RunConfig config, ReadRunConfig(config_, session.world()));
    CROMT_ASSIGN(const std::string name, session.JobFilePath());
    CROMT_ASSIGN(const JobSource source, ReadJobSource(name, session.world()));
    CROMT_ASSIGN(const uint32_t index, FindProject(source.file, project_));
    const std::string& project = source.file.projects[index].name;
    CROMT_ASSIGN(const Plan plan, PlanRun(source.file, project, overrides, {.agents = config.agents}));
    session.output().Planned(plan, project);
    // What can't be started can still be looked at.
    for (const Diagnostic& refusal : StartRefusals(source.file, index)) {
      Diagnostic warning = refusal;
      warning.severity = Severity::kWarning;
      session.messages().Complain(ToString(warning));
    }
    return ExitCode::kDone;
  }

 private:
  std::string project_;
  std::optional<std::string> config_;
  StartFlags flags_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<PlanCommand>();
}

}  // namespace

const CommandInfo kPlanInfo = {
    .name = "plan",
    .usage = "PROJECT [--conf FILE]",
    .summary = "show what would run where, in which order",
    .about =
        "Reads a job file and shows the plan of a run of PROJECT; starts nothing, needs no coordinator.\n"
        "-o dot writes a graph for graphviz.",
    .examples =
        "cromt plan hello --conf jobs.yaml\n"
        "cromt plan hello --conf jobs.yaml -o dot | dot -Tsvg > plan.svg",
    .make = Make,
};

}  // namespace cromt::cli
