#include "cli/resume_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/run_config.h"
#include "cli/run_directory.h"
#include "cli/run_origin.h"
#include "cli/run_word.h"

namespace cromt::cli {
namespace {

Result<EmbeddedOptions> OptionsFrom(const RunOrigin& origin, const std::string& dir, const World& world) {
  CROMT_ASSIGN(RunConfig config, ParseRunConfig(origin.config, "the configuration of the run", world));
  EmbeddedOptions options;
  options.data_dir = dir;
  options.agents = std::move(config.agents);
  options.git = std::move(config.git);
  options.insecure = origin.insecure;
  options.slots = origin.slots;
  return options;
}

// Its output is not shown again: who saw it end has seen it, and others know from here where it is.
Result<ExitCode> TellEnd(Session& session, Control& kept, const RunId& run) {
  session.messages().Say(
      fmt::format("run {} has ended already; 'cromt logs {} --local' shows its output", run.text(), run.text()));
  InterruptCount interrupts(session.world().interrupts);
  FollowWish wish = WishHere(run, std::nullopt);
  wish.show_output = false;
  wish.stop = FollowOptions::Stop::kFollowing;
  return FollowStarted(session, kept, interrupts, wish);
}

// Where the programs don't start, the run stays as it is: they may the next time.
Result<ExitCode> GoOn(Session& session, RunDirectory& directory, const RunId& run, std::optional<Duration> timeout,
                      GivenSecrets secrets) {
  const World& world = session.world();
  CROMT_ASSIGN(const RunOrigin origin, ReadRunOrigin(directory.path()));
  if (origin.secrets && !secrets)
    return Fail(ErrorCode::kInvalid, fmt::format("run {} was started with --secrets-file, and has kept nothing of it; "
                                                 "give the file again",
                                                 run.text()));
  CROMT_ASSIGN(EmbeddedOptions options, OptionsFrom(origin, directory.path(), world));
  if (secrets) options.secrets = std::move(*secrets);
  if (!timeout && origin.deadline) timeout = std::max(*origin.deadline - world.clock.Read().mono, Duration(0));
  InterruptCount interrupts(world.interrupts);
  CROMT_ASSIGN(auto mesh, session.backends().embed(options));
  session.messages().Say(fmt::format("resuming run {}; its output comes from the beginning", run.text()));
  auto code = FollowStarted(session, mesh->control(), interrupts, WishHere(run, timeout));
  mesh.reset();
  directory.MarkFinished();
  directory.RemoveOld();
  return code;
}

}  // namespace

FollowWish WishHere(const RunId& run, std::optional<Duration> timeout) {
  FollowWish wish;
  wish.run = run.text();
  wish.stop = FollowOptions::Stop::kRun;
  wish.is_local = true;
  wish.timeout = timeout;
  wish.retries = 0;  // there is no connection that could break
  return wish;
}

Result<ExitCode> ResumeRun(Session& session, const std::string& word, std::optional<Duration> timeout,
                           GivenSecrets secrets) {
  const World& world = session.world();
  CROMT_TRY(CheckRunWord(word));
  CROMT_ASSIGN(const std::string runs, RunsDirectory(world));
  const auto kept = session.backends().open_local(runs);
  CROMT_ASSIGN(const RunView view, kept->GetRun(word, world.user));
  const RunId& run = view.header.id;
  auto opened = RunDirectory::Open(world, run.text());
  if (!opened && opened.error().code == ErrorCode::kConflict)
    return Fail(ErrorCode::kConflict,
                fmt::format("run {} goes on in another 'cromt run'; there is nothing to resume", run.text()));
  CROMT_ASSIGN(RunDirectory directory, std::move(opened));
  if (session.format() == Format::kQuiet) session.output().Started(run);
  if (directory.IsMarkedFinished() || !directory.IsOfBoot(world.boot)) {
    directory.MarkFinished();
    return TellEnd(session, *kept, run);
  }
  return GoOn(session, directory, run, timeout, std::move(secrets));
}

}  // namespace cromt::cli
