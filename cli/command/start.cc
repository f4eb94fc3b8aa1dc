// cromt start PROJECT
#include "base/name.h"
#include "cli/command.h"
#include "cli/follow_run.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

class Start final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("PROJECT", request_.project, "a project of an applied job file");
    flags_.Declare(arguments);
    arguments.Flag("--follow", follow_, "show the jobs' output until the run has ended; Ctrl-C only stops showing it");
    arguments.Flag("--wait", wait_, "wait for the end of the run; exit code 1 if it did not succeed");
    arguments.Option("--timeout", "D", timeout_, "stop waiting after this time, exit code 4: 90, 90s, 5m, 2h");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckName("project", request_.project));
    CROMT_TRY(flags_.CheckAction());
    CROMT_ASSIGN(request_.variables, flags_.ReadVars());
    CROMT_ASSIGN(const auto timeout, ReadDuration("--timeout", timeout_));
    if (follow_ && wait_) return Fail(ErrorCode::kInvalid, "--follow and --wait exclude each other");
    if (timeout && !follow_ && !wait_) return Fail(ErrorCode::kInvalid, "--timeout needs --wait or --follow");
    request_.action = flags_.action.value_or("");
    request_.request = session.NewRequest();
    request_.author = session.world().user;
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const RunId run, control->Start(request_));
    return AfterStart(session, *control, run, timeout);
  }

 private:
  Result<ExitCode> AfterStart(Session& session, Control& control, const RunId& run, std::optional<Duration> timeout) {
    InterruptCount interrupts(session.world().interrupts);
    // Where the run is followed, standard output is for what comes of it: the jobs' output, or the run as JSON.
    const bool json = session.format() == Format::kJson;
    const bool quiet = session.format() == Format::kQuiet;
    if (quiet || !(follow_ || (wait_ && json))) session.output().Started(run);
    if (!follow_ && !wait_) return ExitCode::kDone;
    FollowWish wish;
    wish.run = run.text();
    wish.show_output = follow_;
    wish.timeout = timeout;
    return FollowStarted(session, control, interrupts, wish);
  }

  StartRequest request_;
  StartFlags flags_;
  bool follow_ = false;
  bool wait_ = false;
  std::optional<std::string> timeout_;
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
