#include "tests/sim/self_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "coordinator/pool_agents.h"
#include "core/planner.h"
#include "tests/sim/coordinator.h"

namespace cromt::sim {
namespace {

constexpr int kScheduled = 3, kWatching = 4;
// The last push, and when all is paused: again and again, since a store that goes back forgets it.
constexpr Duration kLookTakes = seconds(15);
constexpr Duration kTickTakes = seconds(15), kSplay = seconds(20);
constexpr Duration kLastPush = seconds(100), kPause = seconds(130), kPauseAgain = seconds(20);

const std::string kFirstHead(40, 'a');

std::string TextOf(size_t variant) {
  return fmt::format("jobs, variant {}", variant);
}

// Of those that watch repositories.
constexpr int kHooksOnly = 1;

std::string Repository(int project) {
  return fmt::format("git://forge{}/r", project / 2);  // two projects share one
}

// It has a tick each minute by every variant.
constexpr char kNeverChanged[] = "tick1";
// It is gone for a while by one of them. When it comes back it begins anew: a hook may start what it had started
// before.
constexpr char kTakenOut[] = "push3";

// As it is at first, with fewer ticks, and without two projects, which are thereby gone for a while.
constexpr size_t kVariants = 3;

std::shared_ptr<const JobFile> MakeFile(size_t variant) {
  auto file = std::make_shared<JobFile>();
  auto add = [&](Project project) {
    file->by_name.emplace(project.name, static_cast<uint32_t>(file->projects.size()));
    file->projects.push_back(std::move(project));
  };
  for (int i = 0; i < kScheduled; ++i) {
    if (variant == 2 && i == 2) continue;
    Schedule schedule{.crontab = variant == 1 && i == 0 ? "*/2 * * * *" : "* * * * *",
                      .timezone = "UTC",
                      .overlap = static_cast<Overlap>(i)};
    schedule.cron = *ParseCron(schedule.crontab);
    schedule.splay = i == 1 ? kSplay : Duration(0);
    Project project{.name = fmt::format("tick{}", i)};
    project.schedule = std::make_shared<const Schedule>(std::move(schedule));
    project.run = "true";
    if (i == 0) project.pool = std::make_shared<const Pool>(Pool{.at = {}, .labels = {{"zone", "even"}}, .count = 1});
    if (i == 1) project.pool = std::make_shared<const Pool>(Pool{.at = {}, .labels = {}, .count = std::nullopt});
    add(std::move(project));
  }
  for (int i = 0; i < kWatching; ++i) {
    if (variant == 2 && i == 3) continue;
    PushTrigger trigger{.poll = i != kHooksOnly, .interval = seconds(5 + 10 * i), .hook_secret = "s"};
    if (i == 2) trigger.overlap = Overlap::kAllow;
    Project project{.name = fmt::format("push{}", i)};
    project.source.repository = Repository(i);
    project.push = std::make_shared<const PushTrigger>(std::move(trigger));
    add(std::move(project));
  }
  Diagnostics none("jobs.yaml");
  CheckJobFile(*file, none);
  return file;
}

}  // namespace

SelfStarts::SelfStarts(World& world, uint64_t seed, std::vector<std::string> addresses)
    : world_(world), dice_(seed), addresses_(std::move(addresses)), files_{MakeFile(0), MakeFile(1), MakeFile(2)} {
  for (int i = 0; i < kWatching; ++i) heads_[Repository(i)] = kFirstHead;
}

void SelfStarts::Insist(std::shared_ptr<bool> done, std::function<void()> send) {
  if (*done) return;
  send();
  world_.timeline.After(seconds(3), "itself waits", 0, [this, done, send] { Insist(done, send); });
}

std::shared_ptr<const JobFile> SelfStarts::Parse(const std::string& text) const {
  for (size_t variant = 0; variant < kVariants; ++variant)
    if (text == TextOf(variant)) return files_[variant];
  return files_.front();
}

void SelfStarts::Apply(uint64_t number, size_t variant) {
  auto done = std::make_shared<bool>(false);
  Insist(done, [this, done, number, variant] {
    ApplyRequest request{.request = RequestId(fmt::format("apply-{}", number)),
                         .path = "/jobs.yaml",
                         .text = TextOf(variant),
                         .author = "sim"};
    coordinator_->Post(
        engine_input::Apply{std::move(request), files_[variant], [this, done](const Result<ApplyAnswer>& answer) {
                              if (answer) coordinator_->live().commits().Answered(*answer);
                              *done |= answer.has_value();
                            }});
  });
}

void SelfStarts::Begin(SimCoordinator& coordinator) {
  coordinator_ = &coordinator;
  world_.timeline.At(dice_.Between(Duration(0), seconds(20)), "applies", 0, [this] { Apply(0, 0); });
  for (uint64_t number = 1, more = dice_.Below(4); number <= more; ++number)
    world_.timeline.At(dice_.Between(seconds(20), kLastPush), "applies", number,
                       [this, number, variant = dice_.Below(kVariants)] { Apply(number, variant); });
  for (uint64_t i = dice_.Between(5, 15); i > 0; --i)
    world_.timeline.At(dice_.Between(Duration(0), kLastPush), "pushes", i, [this] { Push(); });
  for (Duration at = kPause; at < kPause + std::chrono::hours(4); at += kPauseAgain)
    world_.timeline.At(at, "pauses", 0, [this] {
      coordinator_->Post(
          engine_input::SetPause{"", Paused{.project = "", .why = "", .author = "sim", .since = {}, .until = {}},
                                 [](const Result<RunId>&) {}});
    });
}

bool SelfStarts::done() const {
  return world_.timeline.now() > kPause;
}

// The forge says so to those that have a hook, or it gets lost. What was pushed is sometimes put right at once.
void SelfStarts::Push() {
  Push(Repository(static_cast<int>(dice_.Below(kWatching))));
}

void SelfStarts::Push(const std::string& repository) {
  heads_[repository] = fmt::format("{:012x}{}", ++pushed_, std::string(28, '0'));
  pushed_at_[repository] = world_.timeline.now();
  world_.timeline.Note(fmt::format("commit {} is pushed to {}", pushed_, repository));
  for (int i = 0; i < kWatching; ++i)
    if (Repository(i) == repository && !dice_.PerCent(20))
      world_.timeline.After(HookTakes(), "hook", static_cast<uint64_t>(i), [this, i] {
        const std::string name = fmt::format("push{}", i);
        coordinator_->Post(engine_input::HookCame{name, [this, name](const Result<RunId>& known) {
                                                    if (known) hooked_at_[name] = world_.timeline.now();
                                                  }});
      });
  if (dice_.PerCent(30))
    world_.timeline.After(dice_.Between(milliseconds(1), seconds(1)), "pushes", 0,
                          [this, repository] { Push(repository); });
}

Duration SelfStarts::HookTakes() {
  return dice_.PerCent(50) ? dice_.Between(milliseconds(1), milliseconds(200))
                           : dice_.Between(milliseconds(1), seconds(3));
}

Result<StartRun> SelfStarts::Plan(const std::string& project, const RequestId& request, const Agents& agents) {
  if (dice_.PerCent(5)) return Fail(ErrorCode::kInvalid, "a secret is missing");
  const std::shared_ptr<const Pool> pool = files_.front()->Find(project)->pool;
  auto plan = std::make_shared<cromt::Plan>();
  if (pool && !agents.named.empty()) {
    PlannerOptions options;
    for (size_t i = 0; i < agents.named.size(); ++i) options.agents.emplace(fmt::format("h{}", i), agents.named[i]);
    options.pool_agents = PoolAgents(agents.views, options.agents, "");
    auto planned = PlanRun(*files_.front(), project, {}, options);
    agents.live.CheckPool(*pool, agents.named, planned);
    if (!planned) return tl::unexpected<Error>(std::move(planned).error());
    *plan = std::move(*planned);
  } else {
    plan->specs = {{.name = project, .project = project, .work = Command{{"true"}}}};
    plan->hosts = {{"h", addresses_[dice_.Below(addresses_.size())]}};
    plan->instances = {{.project = project, .first_task = 0, .task_count = 1}};
    plan->tasks = {{0, 0, 0, {}}};
  }
  StartRun start{.run = RunId(dice_.Name()), .request = request, .project = project, .author = "sim"};
  start.plan = plan;
  world_.ledger.Offered(start.run, request, plan);
  return start;
}

Result<StartRun> SelfStarts::Plan(const DuePush& push, const Agents& agents) {
  if (push.trigger == Trigger::kScm && push.commit == kFirstHead)
    world_.ledger.Violation("what was there before anybody looked is to start " + push.project);
  if (dice_.PerCent(10)) return Fail(ErrorCode::kExhausted, "the disk is nearly full");
  auto start = Plan(push.project, RequestId(dice_.Name()), agents);
  if (start) commits_[start->run] = push.commit;
  return start;
}

Result<std::string> SelfStarts::Look(const WatchedRef& ref) {
  Looks& looks = looks_[ref.repository];
  looks.last = world_.timeline.now();
  ++looks.failures;
  if (dice_.PerCent(10)) return Fail(ErrorCode::kTimeout, "nobody answers");
  looks.failures = 0;
  looks.last_good = looks.last;
  return heads_.at(ref.repository);
}

std::vector<TickSettled> SelfStarts::LinesOf(StoreReader& reader, const std::string& project) {
  auto lines = reader.Ticks(project, 1'000'000);
  if (lines) return std::move(*lines);
  world_.ledger.Violation("reading the ledger of " + project + ": " + lines.error().message);
  return {};
}

// Invariant 6, by a wall clock that nobody sets: from the first line on, each minute has one, also while it is paused.
void SelfStarts::CheckNoGap(const std::string& project, std::vector<TickSettled> lines) {
  if (world_.ledger.went_back() || coordinator_->live().commits().clock_jumped()) return;
  std::ranges::sort(lines, {}, &TickSettled::first);
  for (size_t i = 1; i < lines.size(); ++i)
    if (lines[i].first != lines[i - 1].last + std::chrono::minutes(1))
      return world_.ledger.Violation(fmt::format("invariant 6: {} has a line for {} s after the one before it", project,
                                                 (lines[i].first - lines[i - 1].last) / seconds(1)));
  if (!lines.empty() && settled_until_ && lines.back().last + std::chrono::minutes(1) < *settled_until_)
    world_.ledger.Violation(fmt::format("invariant 6: {} has no line for the last {} s", project,
                                        (*settled_until_ - lines.back().last) / seconds(1)));
}

// Invariant 6, of ticks of each minute: each has a line of its own, but what was missed at once, if it was more than a
// hundred, has one that says from when to when, and how many they were.
void SelfStarts::CheckMissed(const std::vector<TickSettled>& lines) {
  constexpr uint64_t kLinesOfAGap = 100;
  std::map<Wall, uint64_t> alone;  // by when they were written
  for (const TickSettled& line : lines) {
    if (line.count == 0 && world_.ledger.went_back()) continue;  // what the store has lost nobody knows
    const auto ticks = static_cast<uint64_t>((line.last - line.first) / std::chrono::minutes(1)) + 1;
    if (line.count != ticks || (ticks > 1 && (line.outcome != TickOutcome::kMissed || ticks <= kLinesOfAGap)))
      world_.ledger.Violation(fmt::format("invariant 6: a line of {} tells of {} ticks in {} minutes as {}",
                                          line.project, line.count, ticks, ToString(line.outcome)));
    alone[line.at] += ticks == 1 && line.outcome == TickOutcome::kMissed;
  }
  for (const auto& [at, missed] : alone)
    if (missed > kLinesOfAGap)
      world_.ledger.Violation(fmt::format("invariant 6: {} ticks that were missed at once have a line each", missed));
}

// Those that are polled by every variant: 0 and 2, and so the repositories of both.
void SelfStarts::CheckSeen(const Triggers& triggers, Duration since, Wall wall) {
  if (world_.timeline.now() > since + kTickTakes) settled_until_ = wall - kSplay - kTickTakes;
  const auto states = triggers.States();
  const Duration now = world_.timeline.now();
  for (int i : {0, 2}) {
    auto state = states.find(fmt::format("push{}", i));
    if (state == states.end()) continue;  // no file could be applied
    const std::string repository = Repository(i);
    const Looks& looks = looks_[repository];
    const Duration wait = seconds(5 + 10 * i) * (int64_t{1} << std::clamp(looks.failures - 1, 0, 20));
    if (now - std::max(looks.last, since) > wait + kLookTakes)
      world_.ledger.Violation(
          fmt::format("nobody looks at {} for {}", repository, FormatDuration(now - std::max(looks.last, since))));
    const bool must_see =
        looks.last_good > std::max(pushed_at_[repository], since) && now > looks.last_good + kLookTakes;
    if (must_see && state->second.seen != heads_.at(repository))
      world_.ledger.Violation(fmt::format("push{} has not seen what was pushed last", i));
  }
  CheckHooked(triggers, since);
}

// Who waits for its hooks alone is not told of what others see.
void SelfStarts::CheckHooked(const Triggers& triggers, Duration since) {
  const std::string repository = Repository(kHooksOnly), project = fmt::format("push{}", kHooksOnly);
  const auto hooked = hooked_at_.find(project);
  const auto states = triggers.States();
  const auto state = states.find(project);
  if (world_.ledger.went_back() || hooked == hooked_at_.end() || state == states.end()) return;
  const Looks& looks = looks_[repository];
  if (hooked->second > pushed_at_[repository] && looks.last_good > std::max(hooked->second, since) &&
      world_.timeline.now() > looks.last_good + kLookTakes && state->second.seen != heads_.at(repository))
    world_.ledger.Violation("the hook of what was pushed last to " + project + " is known, and nobody has looked");
}

// Of a store that went back the lines of a while are gone, as its runs are.
void SelfStarts::Check(StoreReader& reader, const std::vector<RunView>& runs) {
  std::map<RunId, int> told;
  for (const Project& project : job_file()->projects) {
    std::set<std::pair<uint64_t, Wall>> ticks;  // a project that was taken out and comes back begins anew
    std::set<std::pair<uint64_t, std::string>> commits;
    const std::vector<TickSettled> lines = LinesOf(reader, project.name);
    if (project.name == kNeverChanged) {
      CheckNoGap(project.name, lines);
      CheckMissed(lines);
    }
    for (const TickSettled& line : lines) {
      if (line.outcome != TickOutcome::kStarted) continue;
      ++told[line.run];
      if (project.schedule && !ticks.emplace(line.revision, line.first).second)
        world_.ledger.Violation(fmt::format("invariant 6: a tick of {} has started two runs", project.name));
      auto commit = commits_.find(line.run);
      const uint64_t revision = project.name == kTakenOut ? line.revision : 0;
      if (project.push && commit != commits_.end() && !commits.emplace(revision, commit->second).second)
        world_.ledger.Violation(fmt::format("commit {} has started two runs of {}", commit->second, project.name));
    }
  }
  if (world_.ledger.went_back()) return;
  size_t itself = 0;
  for (const RunView& run : runs) {
    const Trigger trigger = run.header.trigger;
    if (trigger != Trigger::kCron && trigger != Trigger::kScm && trigger != Trigger::kHook) continue;
    ++itself;
    if (told[run.header.id] != 1)
      world_.ledger.Violation(
          fmt::format("run {} of {} has {} lines", run.header.id.text(), run.header.project, told[run.header.id]));
  }
  if (told.size() != itself) world_.ledger.Violation("the ledger tells of runs that are not there");
}

}  // namespace cromt::sim
