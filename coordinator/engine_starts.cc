// What starts by itself: ticks of schedules and pushes, and the pauses of both.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/engine.h"

namespace cromt {
namespace {

// Schedules go by the wall clock, which may be set while we wait; pauses end by it.
constexpr Duration kLookAtClock = seconds(30);

}  // namespace

std::function<std::optional<RunId>(const std::string&)> Engine::Unfinished() const {
  return [this](const std::string& project) { return scheduler_.UnfinishedOf(project); };
}

std::function<std::string(const std::string&)> Engine::WhyPaused() const {
  return [this](const std::string& project) { return schedules_.WhyPaused(project, now_.wall); };
}

void Engine::TakeUpStarts(const StoredState& state) {
  if (!options_.start_by_itself) return;
  schedules_.Restore(state.schedules, state.pauses, options_.boot, now_.wall);
  triggers_.Restore(state.triggers);
  std::vector<std::string> projects = schedules_.Projects();  // some may have gone
  for (const std::string& project : triggers_.Projects()) projects.push_back(project);
  for (const auto& [name, entry] : registry_.catalog()->projects) projects.push_back(name);
  SetStarts(projects);
}

void Engine::SetStarts(const std::vector<std::string>& projects) {
  if (!options_.start_by_itself) return;
  const auto catalog = registry_.catalog();
  for (const std::string& name : projects) SetStart(name, *catalog);
}

// As the registry now has it. One that left its file is kept, but starts no more by itself.
void Engine::SetStart(const std::string& name, const Catalog& catalog) {
  const auto found = catalog.projects.find(name);
  const bool here = found != catalog.projects.end() && !found->second.left;
  const JobFile* file = here ? found->second.job_file.get() : nullptr;
  const Project* project = file ? file->Find(name) : nullptr;
  if (project && project->schedule)
    schedules_.Set(name, found->second.revision, project->schedule, edges_.ZoneOf(project->schedule->timezone),
                   now_.wall);
  else
    schedules_.Drop(name);
  Result<WatchedRef> ref = WatchedRef{};
  if (project && project->push) ref = WatchedBy(*file, *project);
  if (project && project->push && ref)  // an error of its templates is told by whoever starts it
    triggers_.Set(name, found->second.revision, project->push, *ref, edges_.ServerOf(ref->repository), now_);
  else
    triggers_.Drop(name, now_);
}

std::optional<Mono> Engine::NextStart() const {
  std::optional<Mono> next = triggers_.NextLook();
  auto at = [&](Mono t) { next = next ? std::min(*next, t) : t; };
  if (const auto due = schedules_.NextDue()) at(now_.mono + std::clamp(*due - now_.wall, Duration(0), kLookAtClock));
  if (triggers_.waits()) at(now_.mono + kLookAtClock);
  return next;
}

void Engine::CheckStarts() {
  if (!held_.empty()) {
    was_held_ = held_;
    return;
  }
  const std::string why_late = was_held_.empty() ? "the clock went past it" : was_held_;
  for (const DueTick& tick : schedules_.Advance(now_.wall, Unfinished(), why_late)) edges_.PlanTick(tick);
  was_held_.clear();
  for (const WatchedRef& ref : triggers_.Looks(now_)) edges_.LookAt(ref);
  for (const DuePush& push : triggers_.Advance(WhyPaused(), Unfinished(), now_)) edges_.PlanPush(push);
  for (Record& record : schedules_.TakeRecords()) records_.push_back(std::move(record));
  for (Record& record : triggers_.TakeRecords()) records_.push_back(std::move(record));
}

// Its run, which the same request has started if there is one.
Result<RunId> Engine::StartItself(StartRun start) {
  auto run = RunOfRequest(start.request);
  if (!run || !run->empty()) return run;
  Decision decision = scheduler_.Apply(start, now_);
  for (const Effect& effect : decision.effects)
    if (const auto* answer = std::get_if<Reply>(&effect)) run = answer->result;
  Take(std::move(decision));
  return run;
}

void Engine::On(engine_input::TickPlanned input) {
  const DueTick& tick = input.tick;
  if (!schedules_.Expects(tick)) return;
  if (!held_.empty()) return schedules_.Lapsed(tick);  // it is due again when all goes on
  if (schedules_.Wait(tick, now_.wall, Unfinished())) return;
  std::string why = schedules_.Refusal(tick, now_.wall, Unfinished());
  if (why.empty() && !input.start) why = input.start.error().message;
  if (!why.empty()) return schedules_.Skipped(tick, why, now_.wall);
  input.start->request = RequestOf(tick);
  input.start->trigger = Trigger::kCron;
  const auto run = StartItself(*std::move(input.start));
  if (run)
    schedules_.Started(tick, *run, now_.wall);
  else
    schedules_.Skipped(tick, run.error().message, now_.wall);
}

void Engine::On(engine_input::RefLooked input) {
  triggers_.Looked(input.ref, input.commit, now_);
}

// Its request is a random one: that it starts one run only is in what is committed with that run.
void Engine::On(engine_input::PushPlanned input) {
  const DuePush& push = input.push;
  if (!triggers_.Expects(push)) return;
  if (!held_.empty()) return triggers_.Lapsed(push);
  if (triggers_.Wait(push, WhyPaused(), Unfinished(), now_)) return;
  if (!input.start) {
    const auto& [code, why] = input.start.error();
    const bool may_pass =
        code == ErrorCode::kExhausted || code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
    return may_pass ? triggers_.Postponed(push, why, now_) : triggers_.Skipped(push, why, now_);
  }
  input.start->trigger = push.trigger;
  const auto run = StartItself(*std::move(input.start));
  if (run)
    triggers_.Started(push, *run, now_);
  else
    triggers_.Skipped(push, run.error().message, now_);
}

void Engine::On(engine_input::HookCame input) {
  Result<RunId> done;
  if (!held_.empty())
    done = Fail(full_ ? ErrorCode::kExhausted : ErrorCode::kUnavailable, held_);
  else if (Status hooked = triggers_.Hooked(input.project, now_); !hooked)
    done = tl::unexpected<Error>(std::move(hooked).error());
  replies_.push_back({std::move(input.reply), std::move(done)});
}

void Engine::On(engine_input::SetPause input) {
  if (!held_.empty()) {
    replies_.push_back({std::move(input.reply), Fail(full_ ? ErrorCode::kExhausted : ErrorCode::kUnavailable, held_)});
    return;
  }
  Result<RunId> done;
  if (input.pause)
    schedules_.Pause(*std::move(input.pause));
  else if (!schedules_.Unpause(input.project, now_.wall))
    done = Fail(ErrorCode::kConflict, input.project.empty() ? "there is no pause of all projects"
                                                            : fmt::format("project '{}' is not paused", input.project));
  replies_.push_back({std::move(input.reply), std::move(done)});
}

}  // namespace cromt
