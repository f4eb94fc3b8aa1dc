// cromt pause, unpause: whether projects start by themselves.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/command.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

// Which project is meant; "" = all.
struct Whose {
  void Declare(Arguments& arguments) {
    arguments.Word("PROJECT", project, "which one");
    arguments.Flag("--all", all, "all projects, also those that come later");
  }
  Status Check() const {
    if (all != project.empty())
      return Fail(ErrorCode::kInvalid, all ? "a PROJECT and --all; give one of them" : "which PROJECT? or --all");
    return project.empty() ? Status() : CheckName("project", project);
  }

  std::string project;
  bool all = false;
};

class Pause final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    whose_.Declare(arguments);
    arguments.Option("--for", "TIME", time_, "ends by itself after so long, such as 30m or 2h");
    arguments.Option("--reason", "TEXT", why_, "for whoever wonders why nothing starts");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(whose_.Check());
    PauseRequest request{whose_.project, why_.value_or(""), {}, session.world().user};
    CROMT_ASSIGN(request.time, ReadDuration("--for", time_));
    if (request.time && *request.time <= Duration(0)) return Fail(ErrorCode::kInvalid, "--for: more than nothing");
    if (why_ && !IsTitle(*why_)) return Fail(ErrorCode::kInvalid, "--reason: one line of text, at most 1 KiB");
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_TRY(control->Pause(request));
    session.output().PauseIs("paused", whose_.project);
    return ExitCode::kDone;
  }

 private:
  Whose whose_;
  std::optional<std::string> time_, why_;
};

class Unpause final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override { whose_.Declare(arguments); }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(whose_.Check());
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_TRY(control->Unpause(whose_.project, session.world().user));
    session.output().PauseIs("unpaused", whose_.project);
    return ExitCode::kDone;
  }

 private:
  Whose whose_;
};

template <class T>
std::unique_ptr<Command> Make() {
  return std::make_unique<T>();
}

}  // namespace

const CommandInfo kPauseInfo = {
    .name = "pause",
    .usage = "(PROJECT | --all) [--for TIME] [--reason TEXT]",
    .summary = "keep a project, or all, from starting by themselves",
    .about =
        "Nothing starts by itself while it is paused; 'cromt start' does, and runs that go on are left alone. What was "
        "due\n"
        "meanwhile is skipped, and 'cromt ticks' says by whom and why. A second pause replaces the first.",
    .examples =
        "cromt pause nightly --for 2h --reason 'disk is being replaced'\n"
        "cromt pause --all --reason 'moving house'",
    .make = Make<Pause>,
};

const CommandInfo kUnpauseInfo = {
    .name = "unpause",
    .usage = "PROJECT | --all",
    .summary = "let a paused project start by itself again",
    .about =
        "Ends the pause of a project, or with --all the pause of all of them; those of single projects stay. What was "
        "skipped\n"
        "is not started afterwards.",
    .examples =
        "cromt unpause nightly\n"
        "cromt unpause --all",
    .make = Make<Unpause>,
};

}  // namespace cromt::cli
