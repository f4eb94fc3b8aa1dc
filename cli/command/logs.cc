// cromt logs RUN [TASK]
#include <fmt/format.h>

#include <map>

#include "cli/clean_text.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/follow.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

class Logs final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.Word("TASK", task_, "a task's id or unique name; all tasks unless given");
    arguments.Flag("--follow", follow_, "go on until the run has ended; Ctrl-C only stops showing it");
    arguments.Flag("--raw", raw_, "the bytes as the jobs wrote them");
    arguments.Flag("--local", local_, "of the runs of 'cromt run' that are kept on this machine");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    CROMT_ASSIGN(const auto control, session.ConnectToLook(local_));
    CROMT_ASSIGN(const RunView view, control->GetRun(run_, session.world().user));
    if (!task_.empty()) {
      CROMT_ASSIGN(only_, FindTask(view, task_));
    }
    run_ = view.header.id.text();
    InterruptCount interrupts(session.world().interrupts);
    const bool finished = view.status.state == RunState::kFinished;
    auto code =
        follow_ && !finished ? Follow(session, *control, interrupts) : Read(session, *control, interrupts, view);
    // Whoever reads has closed their end: that is enough.
    const auto failure = session.world().out.failure();
    if (failure && failure->code == ErrorCode::kCanceled) return ExitCode::kDone;
    return code;
  }

 private:
  std::unique_ptr<LogView> MakeLog(Session& session, TaskText::Mode mode) const {
    const World& world = session.world();
    const Sink sink = [&world](std::string_view text) { world.out.Write(text); };
    const bool headings = !only_ && session.format() != Format::kQuiet;
    if (raw_) return std::make_unique<RawLog>(sink, headings);
    if (session.format() == Format::kJson) return std::make_unique<JsonLog>(sink);
    const TextLog::Options options{.mode = mode, .terminal = world.out_is_terminal, .headings = headings};
    return std::make_unique<TextLog>(sink, options, session.palette());
  }

  std::string TaskId() const { return only_ ? std::to_string(*only_ + 1) : ""; }

  Result<ExitCode> Follow(Session& session, Control& control, InterruptCount& interrupts) {
    const auto log = MakeLog(session, TaskText::Mode::kLive);
    RunProgress progress(session.messages(), *log, {.each_task = false});
    const FollowParts parts{control, progress, *log, session.messages(), interrupts, session.world().interrupts};
    FollowOptions options;
    options.run = run_;
    options.task = TaskId();
    options.author = session.world().user;
    options.summary = false;
    options.pause = session.world().retry_pause;
    CROMT_ASSIGN(const FollowEnd end, cli::Follow(parts, options));
    if (end == FollowEnd::kFinished) return ExitCode::kDone;
    session.messages().Say("stopped following; run " + run_ + " goes on");
    return ExitCode::kInterrupted;
  }

  // Of a finished run task by task, with --follow once all has come; else what there is now, as it came.
  Result<ExitCode> Read(Session& session, Control& control, InterruptCount& interrupts, const RunView& view) {
    interrupts.Listen([&control](int) { control.StopFollowing(); });
    const bool by_task = view.status.state == RunState::kFinished;
    const auto log = MakeLog(session, by_task ? TaskText::Mode::kFinished : TaskText::Mode::kLive);
    log->SetTasks(view.tasks);
    Status status;
    if (!by_task || only_) status = ReadOne(session, control, *log, TaskId());
    for (TaskIndex task = 0; by_task && !only_ && status && task < view.tasks.size() && !Closed(session); ++task)
      if (MayHaveOutput(view.tasks[task].status)) status = ReadOne(session, control, *log, std::to_string(task + 1));
    interrupts.Listen(nullptr);
    if (interrupts.count() > 0) return ExitCode::kInterrupted;
    if (!status) return tl::unexpected<Error>(status.error());
    if (!Closed(session)) TellMissing(session, view);
    return ExitCode::kDone;
  }

  // Output travels beside the reports: a run can be over before all of it has come.
  void TellMissing(Session& session, const RunView& view) {
    for (const TaskView& task : view.tasks) {
      if (only_ && task.index != *only_) continue;
      const int64_t missing = task.status.log_bytes - seen_[{task.index, task.status.attempt}].bytes();
      if (missing > 0)
        session.messages().Warn(
            fmt::format("{} of the output of {} on {} {} not come yet; 'cromt logs {} --follow' waits",
                        Count(static_cast<size_t>(missing), "byte"), Clean(task.name), Clean(task.host),
                        missing == 1 ? "has" : "have", run_));
    }
  }

  Status ReadOne(Session& session, Control& control, LogView& log, const std::string& task) {
    CROMT_TRY(control.RunLogs(run_, task, follow_, session.world().user, [&](const LogPiece& piece) {
      log.Add(piece);
      seen_[{piece.task, piece.attempt}].Add(piece);
      return !Closed(session);
    }));
    log.End();
    return {};
  }

  static bool Closed(const Session& session) { return session.world().out.failure().has_value(); }

  // Of an only attempt that was seen to end we know how much it printed.
  static bool MayHaveOutput(const TaskStatus& status) {
    if (status.attempt == 0) return false;
    return status.attempt > 1 || !status.exit || status.log_bytes > 0;
  }

  std::string run_;
  std::string task_;
  std::optional<TaskIndex> only_;
  bool follow_ = false;
  bool raw_ = false;
  std::map<std::pair<TaskIndex, uint32_t>, SeenExtent> seen_;  // of each attempt
  bool local_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Logs>();
}

}  // namespace

const CommandInfo kLogsInfo = {
    .name = "logs",
    .usage = "RUN [TASK]",
    .summary = "show what the jobs of a run printed",
    .about =
        "Shows the output of a run's tasks: of a finished run task by task, of a running one as it came. With\n"
        "several tasks a line '==> NAME on HOST <==' says whose it is.",
    .examples =
        "cromt logs last\n"
        "cromt logs last --follow\n"
        "cromt logs k3j2 2 --raw > output.bin",
    .make = Make,
};

}  // namespace cromt::cli
