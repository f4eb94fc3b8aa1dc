// cromt run [PROJECT | FILE]: a coordinator and an agent of our own, for one run.
#include <fmt/format.h>

#include <algorithm>

#include "base/core_dump.h"
#include "base/mask_patterns.h"
#include "cli/command.h"
#include "cli/follow_run.h"
#include "cli/job_source.h"
#include "cli/resume_run.h"
#include "cli/run_config.h"
#include "cli/run_directory.h"
#include "cli/run_origin.h"
#include "cli/secrets_file.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

bool NamesFile(const std::string& word) {
  return word.find('/') != std::string::npos || word.ends_with(".yaml") || word.ends_with(".yml");
}

class RunCommand final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions& global) override {
    arguments.Word("PROJECT | FILE", what_, "a project of the job file, or a job file that holds one project");
    arguments.Option("--conf", "FILE", global.conf, "the job file; ~/cromtit.yaml unless given");
    arguments.Option("--config", "FILE", config_,
                     "a coordinator's configuration: its agents and git settings are used");
    flags_.Declare(arguments);
    arguments.Option("--timeout", "D", timeout_, "cancel the run after this time: 90, 90s, 5m, 2h");
    arguments.Option("--slots", "N", slots_, "how many tasks run here at a time; max(8, 2 × cores) unless given");
    arguments.Flag("--insecure", insecure_, "also talk to agents of other machines, without certificates");
    arguments.Option("--resume", "RUN", resume_,
                     "go on with a run whose 'cromt run' was killed: its id, a prefix of it, or 'last'");
    arguments.Option("--secrets-file", "F", secrets_,
                     "a YAML map of secrets' names and values, that only you can read (0600)");
  }

  Result<ExitCode> Run(Session& session) override {
    if (resume_) {
      CROMT_TRY(CheckResume(session));
      CROMT_ASSIGN(const auto timeout, ReadDuration("--timeout", timeout_));
      CROMT_ASSIGN(auto secrets, ReadSecrets(session));
      return ResumeRun(session, *resume_, timeout, std::move(secrets));
    }
    CROMT_TRY(ReadOptions(session));
    CROMT_ASSIGN(const std::string name, JobFileName(session));
    CROMT_ASSIGN(const JobSource source, ReadJobSource(name, session.world()));
    CROMT_ASSIGN(const uint32_t project, FindProject(source.file, NamesFile(what_) ? "" : what_));
    CROMT_TRY(CheckStartable(source.file, project));
    start_.project = source.file.projects[project].name;
    InterruptCount interrupts(session.world().interrupts);
    CROMT_ASSIGN(RunDirectory directory, RunDirectory::Create(session.world(), RandomName(session.world().random)));
    embedded_.data_dir = directory.path();
    CROMT_TRY(WriteRunOrigin(directory.path(), OriginFor(session.world().clock.Read().mono)));
    auto code = RunThere(session, source, interrupts);
    directory.MarkFinished();
    directory.RemoveOld();
    return code;
  }

 private:
  // All but how long to wait is the run's own; and its secrets, which it has not kept.
  Status CheckResume(const Session& session) const {
    std::string_view given;
    if (!what_.empty()) given = "a project or file";
    if (session.options().conf) given = "--conf";
    if (config_) given = "--config";
    if (flags_.action) given = "--action";
    if (!flags_.vars.empty()) given = "--var";
    if (slots_) given = "--slots";
    if (insecure_) given = "--insecure";
    if (given.empty()) return {};
    return Fail(ErrorCode::kInvalid,
                fmt::format("--resume goes on with what the run was started with; {} can't be given again", given));
  }

  RunOrigin OriginFor(Mono now) const {
    RunOrigin origin{config_text_, embedded_.insecure, embedded_.slots, {}, secrets_.has_value()};
    if (timeout_given_) origin.deadline = now + *timeout_given_;
    return origin;
  }

  // None unless a file is named.
  Result<GivenSecrets> ReadSecrets(Session& session) const {
    if (!secrets_) return GivenSecrets();
    ForbidCoreDumps();
    CROMT_ASSIGN(auto values, ReadSecretsFile(AbsolutePath(*secrets_, session.world())));
    for (const auto& [name, value] : values)
      if (PlainForms(value).empty())
        session.messages().Warn(fmt::format(
            "secret '{}' has fewer than {} bytes, so it is not hidden in the output of jobs", name, kShortestMasked));
    return GivenSecrets(std::move(values));
  }

  Status ReadOptions(Session& session) {
    CROMT_ASSIGN(auto secrets, ReadSecrets(session));
    if (secrets) embedded_.secrets = std::move(*secrets);
    if (NamesFile(what_) && session.options().conf)
      return Fail(ErrorCode::kInvalid, fmt::format("{} and --conf both name a job file; give one of them", what_));
    CROMT_TRY(flags_.CheckAction());
    start_.action = flags_.action.value_or("");
    CROMT_ASSIGN(start_.variables, flags_.ReadVars());
    CROMT_ASSIGN(timeout_given_, ReadDuration("--timeout", timeout_));
    CROMT_ASSIGN(const auto slots, ReadNumber("--slots", slots_, kMaxSlots));
    CROMT_ASSIGN(RunConfig config, ReadRunConfig(config_, session.world()));
    config_text_ = std::move(config.text);
    embedded_.agents = std::move(config.agents);
    embedded_.git = std::move(config.git);
    embedded_.insecure = insecure_ || config.insecure;
    embedded_.slots = slots ? static_cast<uint32_t>(*slots) : config.slots;
    start_.request = session.NewRequest();
    start_.author = session.world().user;
    return {};
  }

  Result<std::string> JobFileName(const Session& session) const {
    if (NamesFile(what_)) return what_;
    return session.JobFilePath();
  }

  Result<ExitCode> RunThere(Session& session, const JobSource& source, InterruptCount& interrupts) {
    CROMT_ASSIGN(const auto mesh, session.backends().embed(embedded_));
    Control& control = mesh->control();
    ApplyRequest apply;
    apply.request = session.NewRequest();
    apply.path = source.path;
    apply.text = source.text;
    apply.author = session.world().user;
    CROMT_ASSIGN(const ApplyAnswer answer, control.Apply(apply));
    for (const std::string& warning : answer.warnings) session.messages().Warn(warning);
    if (interrupts.count() > 0) return ExitCode::kInterrupted;
    CROMT_ASSIGN(const RunId run, control.Start(start_));
    if (session.format() == Format::kQuiet) session.output().Started(run);
    return FollowStarted(session, control, interrupts, WishHere(run, timeout_given_));
  }

  std::string what_;
  StartFlags flags_;
  std::optional<std::string> config_, timeout_, slots_, resume_, secrets_;
  bool insecure_ = false;
  // As read from these.
  std::optional<Duration> timeout_given_;
  std::string config_text_;
  EmbeddedOptions embedded_;
  StartRequest start_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<RunCommand>();
}

}  // namespace

const CommandInfo kRunInfo = {
    .name = "run",
    .usage = "[PROJECT | FILE | --resume RUN]",
    .summary = "plan and run here, without a server",
    .about =
        "Runs a project of a job file with a coordinator and an agent of its own. Tasks with a url run on the\n"
        "agents there, all others on this machine. A word with a '/' or ending in .yaml or .yml is a file.\n"
        "Shows the jobs' output; Ctrl-C cancels the run and waits for its processes.\n"
        "Should cromt be killed, its jobs go on for 10 minutes, and --resume goes on where the run is. It takes what\n"
        "the run was started with, shows all output from the beginning, and ends as the run does. After 10 minutes\n"
        "the jobs are ended and count as lost; after a restart of this machine nothing can be resumed.\n"
        "Values of --secrets-file are kept nowhere: --resume needs the file again.",
    .examples =
        "cromt run hello.yaml\n"
        "cromt run hello --conf jobs.yaml --action 'build test' --var MODE=fast\n"
        "cromt run ./deploy.yaml --config mesh.yaml --timeout 10m\n"
        "cromt run --resume last",
    .make = Make,
};

}  // namespace cromt::cli
