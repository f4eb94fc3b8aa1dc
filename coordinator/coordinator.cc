#include "coordinator/coordinator.h"

#include <fmt/format.h>
#include <pthread.h>

#include <future>

#include "base/name.h"
#include "coordinator/git_cache_settings.h"
#include "coordinator/pool_agents.h"
#include "coordinator/room.h"
#include "core/action.h"
#include "core/agent_address.h"
#include "core/planner.h"
#include "core/rerun.h"
#include "io/config/job_reader.h"
#include "io/wire/plan.h"

namespace cromt {
namespace {

constexpr Duration kTellAgain = seconds(10);  // of sessions that begin and end

// It was good when it was applied. What has gone from this host since, such as a time zone, is no reason not to start.
Result<std::shared_ptr<const JobFile>> ParseStored(const std::string& path, const std::string& text) {
  JobFileReading reading = ReadJobFile(text, path);
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  return std::make_shared<const JobFile>(std::move(*reading.file));
}

}  // namespace

Coordinator::Coordinator(CoordinatorOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<Coordinator>> Coordinator::Start(CoordinatorOptions options) {
  std::unique_ptr<Coordinator> coordinator(new Coordinator(std::move(options)));
  CROMT_TRY(coordinator->Open());
  coordinator->thread_ = std::thread([raw = coordinator.get()] { raw->Run(); });
  return coordinator;
}

Status Coordinator::Open() {
  CROMT_ASSIGN(dir_, DataDir::Open(options_.data_dir));
  blobs_ = options_.blobs;
  if (!blobs_) {
    CROMT_ASSIGN(blobs_, BlobStore::Open(dir_->File("blobs"), options_.durability));
  }
  CROMT_ASSIGN(auto git, GitCacheSettings(options_.git, options_.program_dir));
  git_ = std::make_unique<GitCache>(options_.git_cache_dir.empty() ? dir_->File("git") : options_.git_cache_dir,
                                    *blobs_, std::move(git));
  if (options_.given_secrets) {
    secrets_ = std::make_unique<SecretStore>(*options_.given_secrets);
  } else {
    CROMT_ASSIGN(secrets_, SecretStore::Open(dir_->path()));
  }
  CROMT_ASSIGN(store_, SqliteStore::Open(dir_->File("store.db"), random_, options_.durability));
  CROMT_ASSIGN(logs_, LogStore::Open(dir_->File("logs"), options_.durability,
                                     [this](const RunId& run) { notifier_.OutputCame(run); }));
  auto owner_of = [this](const AttemptId& attempt) {
    return WithReader([&](StoreReader& reader) { return reader.AgentOf(attempt); });
  };
  collector_ = std::make_unique<LogCollector>(*logs_, owner_of, options_.warn);
  // As the planner writes them, so that a host is one agent however the configuration spells it.
  for (auto& [name, address] : options_.agents) {
    auto parsed = ParseAgentAddress(address);
    if (!parsed) return Fail(ErrorCode::kInvalid, "agents: " + name + ": " + parsed.error().message);
    address = ToString(*parsed);
  }
  if (MutexLock lock(mutex_); true) agents_ = options_.agents;
  Engine::Options engine;
  if (options_.watch_agents)
    for (const auto& [name, address] : options_.agents) engine.agents.push_back(address);
  CoordinatorEdges& edges = *this;
  engine_ = std::make_unique<Engine>(*store_, edges, random_, std::move(engine));
  transport_ = options_.transport([this](EngineInput input) { Post(std::move(input)); }, *collector_, *blobs_);
  resolver_ = std::make_unique<SourceResolver>(
      *git_,
      [this](Event event) {
        Post(engine_input::Ask{std::move(event), {}});
      },
      options_.warn);
  return engine_->Start(ParseStored, clock_.Read());
}

Coordinator::~Coordinator() {
  StopFollowing();
  stopping_ = true;
  inbox_.Close();
  if (thread_.joinable()) thread_.join();
  inbox_.TakeAll();  // sessions whose messages wait here end once these are let go of
  resolver_.reset();
  transport_.reset();
  collector_.reset();
}

void Coordinator::Run() {
  ::pthread_setname_np(::pthread_self(), "loop");
  for (Watchdog watchdog(options_.manager); !stopping_; watchdog.Beat(clock_.Read().mono)) {
    std::vector<EngineInput> inputs = inbox_.WaitAndTakeAll(watchdog.NextDeadline(engine_->NextDeadline()));
    if (stopping_) return;
    auto stepped = engine_->Step(std::move(inputs), clock_.Read());
    if (stepped) continue;
    inbox_.Close();
    inbox_.TakeAll();  // who waits for an answer is told by letting go of the question
    MutexLock lock(mutex_);
    failure_ = stepped.error();
    if (on_failure_) on_failure_(*failure_);
    return;
  }
}

void Coordinator::OnFailure(std::function<void(Error)> callback) {
  MutexLock lock(mutex_);
  if (failure_) callback(*failure_);
  on_failure_ = std::move(callback);
}

void Coordinator::Misbehaved(const std::string& address, const std::string& what) {
  const Mono now = clock_.Read().mono;
  const auto [told, first] = misbehaved_.try_emplace(address, now);
  if (!options_.warn || (!first && now - told->second < kTellAgain)) return;
  told->second = now;
  options_.warn(fmt::format("the session with {} is ended: {}", address, what));
}

void Coordinator::Held(const std::string& why) {
  if (options_.warn) options_.warn(why.empty() ? "there is room again, and it goes on" : why);
  MutexLock lock(mutex_);
  held_ = why;
  if (on_held_) on_held_(held_);
}

void Coordinator::OnHeld(std::function<void(const std::string&)> callback) {
  MutexLock lock(mutex_);
  on_held_ = std::move(callback);
  if (on_held_) on_held_(held_);
}

// ---- Asking the loop --------------------------------------------------------------------------

namespace {

template <class T>
Result<T> Await(std::future<Result<T>> future, Duration patience) {
  try {
    if (future.wait_for(patience) == std::future_status::ready) return future.get();
  } catch (const std::future_error&) {  // the loop has ended and let go of the question
    return Fail(ErrorCode::kUnavailable, "the coordinator has stopped working; its log says why");
  }
  return Fail(ErrorCode::kTimeout,
              "the coordinator did not answer within " + FormatDuration(patience) +
                  "; whether it has taken the request is not known: ask again with the same request id");
}

// One that counts until it is answered or nobody can answer it any more, whether or not somebody still waits; who does
// is woken after that.
template <class T>
struct Asked {
  explicit Asked(std::atomic<int>& counted) : count(counted) {}
  Asked(const Asked&) = delete;
  ~Asked() {
    if (!answered) --count;
  }
  void Answer(Result<T> result) {
    answered = true;
    --count;
    promise.set_value(std::move(result));
  }

  std::atomic<int>& count;
  bool answered = false;
  std::promise<Result<T>> promise;
};

}  // namespace

template <class T>
Result<T> Coordinator::Question(const std::function<EngineInput(std::function<void(Result<T>)> answer)>& make) {
  if (++questions_ > kMostQuestions) {
    --questions_;
    return cromt::Fail(
        ErrorCode::kExhausted,
        fmt::format("{} questions wait for an answer already, which is the limit; ask again later", kMostQuestions));
  }
  auto asked = std::make_shared<Asked<T>>(questions_);
  auto future = asked->promise.get_future();
  EngineInput input = make([asked = std::move(asked)](Result<T> result) { asked->Answer(std::move(result)); });
  if (!inbox_.Post(std::move(input))) return cromt::Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
  return Await(std::move(future), kPatience);
}

Result<RunId> Coordinator::Ask(Event event) {
  return Question<RunId>([&](auto answer) { return engine_input::Ask{std::move(event), std::move(answer)}; });
}

Result<ApplyAnswer> Coordinator::Apply(const ApplyRequest& request) {
  JobFileReading reading = ReadJobFile(request.text, request.path, zones_.Checker());
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  auto file = std::make_shared<const JobFile>(std::move(*reading.file));
  CROMT_ASSIGN(ApplyAnswer answer, Question<ApplyAnswer>([&](auto answered) {
                 return engine_input::Apply{request, std::move(file), std::move(answered)};
               }));
  for (const Diagnostic& d : reading.diagnostics) answer.warnings.push_back(ToString(d));
  return answer;
}

RunId Coordinator::NewRunId() {
  if (!options_.first_run.empty() && !first_run_given_.exchange(true)) return options_.first_run;
  return RunId(RandomName(random_));
}

Result<RunId> Coordinator::Start(const StartRequest& request) {
  auto catalog = engine_->catalog();
  auto entry = catalog->projects.find(request.project);
  if (entry == catalog->projects.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, e] : catalog->projects) names.push_back(name);
    return Fail(ErrorCode::kNotFound,
                "there is no project " + Quote(request.project) + DidYouMean(request.project, names));
  }
  const JobFile& file = *entry->second.job_file;
  auto refusals = StartRefusals(file, file.by_name.at(request.project));
  if (!refusals.empty()) return Fail(ErrorCode::kInvalid, ErrorText(refusals));
  StartOverrides overrides;
  CROMT_ASSIGN(overrides.action, ParseAction(request.action));
  overrides.vars = request.variables;
  PlannerOptions planner{NamedAgents(), options_.local_address, {}};
  if (HasPool(file)) {
    CROMT_ASSIGN(const std::vector<AgentView> agents, ListAgents());
    planner.pool_agents = PoolAgents(agents, planner.agents, options_.local_address);
  }
  CROMT_ASSIGN(Plan plan, PlanRun(file, request.project, overrides, planner));
  CROMT_TRY(wire::Check(plan));  // what no agent would take is refused here
  CROMT_TRY(CheckSecrets(plan));
  CROMT_TRY(RoomFor(plan, options_.data_dir));
  StartRun event{NewRunId(),
                 request.request.empty() ? RequestId(RandomName(random_)) : request.request,
                 request.project,
                 request.trigger,
                 entry->second.revision,
                 request.author,
                 std::make_shared<const Plan>(std::move(plan))};
  return Ask(std::move(event));
}

// Nothing is begun that would fail half-way for want of one.
Status Coordinator::CheckSecrets(const Plan& plan) const {
  for (const TaskSpec& spec : plan.specs) {
    if (spec.secrets.empty()) continue;
    Status all = CheckDelivered(spec.project, spec.secrets, secrets_->ValuesFor(spec.project, spec.secrets));
    if (all) continue;
    all.error().message +=
        options_.given_secrets
            ? "; a file given with --secrets-file names its values"
            : fmt::format("; see `cromt secrets set --help` and `cromt secrets list --project {}`", spec.project);
    return all;
  }
  return {};
}

Result<std::vector<std::string>> Coordinator::SetSecret(const SecretRequest& request) {
  CROMT_ASSIGN(auto warnings, secrets_->Set(request, clock_.Read().wall));
  if (!request.project.empty() && !engine_->catalog()->projects.contains(request.project))
    warnings.push_back(fmt::format("there is no project '{}' yet", request.project));
  return warnings;
}

Result<RunId> Coordinator::Cancel(const std::string& run, const std::string& task, const std::string& author) {
  CROMT_ASSIGN(RunView view, GetRun(run, author));
  if (view.status.state == RunState::kFinished)
    return Fail(ErrorCode::kConflict, "run " + view.header.id.text() +
                                          " has finished already: " + std::string(ToString(*view.status.outcome)));
  CROMT_ASSIGN(auto index, TaskNamed(view, task));
  if (index) return Ask(CancelTask{view.header.id, *index, author});
  return Ask(CancelRun{view.header.id, author});
}

Result<RunId> Coordinator::Rerun(const RerunRequest& request) {
  CROMT_ASSIGN(const StoredRun earlier, WithReader([&](StoreReader& reader) -> Result<StoredRun> {
                 CROMT_ASSIGN(const RunId id, reader.Resolve(request.run, request.author));
                 return reader.Stored(id);
               }));
  const std::string id = earlier.header.id.text();
  if (earlier.status.state != RunState::kFinished)
    return Fail(ErrorCode::kConflict, fmt::format("run {} has not finished; `cromt cancel {}` ends it", id, id));
  CROMT_TRY(CheckSecrets(*earlier.plan));
  CROMT_TRY(RoomFor(*earlier.plan, options_.data_dir));
  StartRun event{NewRunId(),
                 request.request.empty() ? RequestId(RandomName(random_)) : request.request,
                 earlier.header.project,
                 Trigger::kRerun,
                 earlier.header.revision,
                 request.author,
                 earlier.plan,
                 {},
                 {},
                 {}};
  if (request.failed) {
    TakenOver taken = TakeOver(earlier, event.run);
    if (taken.again == 0) return Fail(ErrorCode::kConflict, "all of run " + id + " has succeeded");
    event.tasks = std::move(taken.tasks);
    event.artifacts = std::move(taken.artifacts);
    event.images = std::move(taken.images);
  }
  return Ask(std::move(event));
}

Status Coordinator::ForgetAgent(const std::string& agent, const std::string& author) {
  cromt::ForgetAgent event{.address = {}, .author = author};
  const auto agents = NamedAgents();
  if (auto named = agents.find(agent); named != agents.end()) {
    event.address = named->second;
  } else {
    CROMT_ASSIGN(const AgentAddress parsed,
                 agent.find("://") == agent.npos ? ParseAgentAddress(agent) : ParseAgentUrl(agent));
    event.address = ToString(parsed);
    event.agent = AgentId(agent);
  }
  CROMT_TRY(Ask(std::move(event)));
  return {};
}

Result<WhyLines> Coordinator::Why(const std::string& run, const std::string& task, const std::string& author) {
  CROMT_ASSIGN(const RunView view, GetRun(run, author));
  CROMT_ASSIGN(const auto index, TaskNamed(view, task));
  const RunId& id = view.header.id;
  if (!index && view.status.state == RunState::kFinished) return HowItEnded(view);
  WhyLines lines;
  if (index) {
    const TaskView& one = view.tasks[*index];
    CROMT_ASSIGN(const auto history, WithReader([&](StoreReader& reader) { return reader.History(id, *index); }));
    lines = WhatCameBefore(one, history);
    if (one.status.state == TaskState::kFinished) {
      lines.push_back(HowItEnded(one));
      return lines;
    }
  }
  if (auto live = AddLive(id, index, lines); !live) {
    if (live.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(live.error());
    return Why(id.text(), task, author);  // it has just finished, and does so once
  }
  if (index && view.tasks[*index].status.state == TaskState::kRunning) {
    const AttemptId attempt{id, *index, view.tasks[*index].status.attempt};
    CROMT_ASSIGN(const auto last, logs_->LastOf(attempt));
    CROMT_ASSIGN(const auto took, WithReader([&](StoreReader& reader) { return reader.TookBefore(id, *index); }));
    lines.push_back(HowItGoes(last, collector_->waits_for(), took, clock_.Read().wall));
  }
  return lines;
}

// What the scheduler says of a run that has not ended, and what keeps all of them.
Status Coordinator::AddLive(const RunId& run, std::optional<TaskIndex> task, WhyLines& lines) {
  const Now now = clock_.Read();
  CROMT_ASSIGN(
      WhyLines live, Question<WhyLines>([&](auto answer) {
        return engine_input::Inspect{[answer, run, task, now](const Scheduler& s) { answer(s.Why(run, task, now)); }};
      }));
  {
    MutexLock lock(mutex_);
    if (!held_.empty()) {  // nobody else is to blame then
      lines.push_back({WhyKind::kHeld, held_});
      return {};
    }
  }
  for (WhyLine& line : live) {
    if (line.kind == WhyKind::kSources)
      if (const std::string progress = resolver_->Progress(run); !progress.empty()) line.text += "; " + progress;
    lines.push_back(std::move(line));
  }
  return {};
}

Result<std::vector<AgentView>> Coordinator::ListAgents() {
  CROMT_ASSIGN(std::vector<AgentView> agents, Question<std::vector<AgentView>>([](auto answer) {
                 return engine_input::Inspect{[answer](const Scheduler& s) { answer(s.Agents()); }};
               }));
  const auto named = NamedAgents();
  for (AgentView& agent : agents)
    for (const auto& [name, address] : named)
      if (address == agent.address) agent.names.push_back(name);
  return agents;
}

// ---- Reading what is committed ----------------------------------------------------------------

Result<StoreReader> Coordinator::BorrowReader() {
  {
    MutexLock lock(mutex_);
    if (!readers_.empty()) {
      StoreReader reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  return StoreReader::Open(dir_->File("store.db"));
}

void Coordinator::GiveBack(StoreReader reader) {
  MutexLock lock(mutex_);
  if (readers_.size() < 16) readers_.push_back(std::move(reader));
}

Result<RunView> Coordinator::GetRun(const std::string& run, const std::string& author) {
  CROMT_ASSIGN(RunView view, WithReader([&](StoreReader& reader) -> Result<RunView> {
                 CROMT_ASSIGN(RunId id, reader.Resolve(run, author));
                 return reader.Run(id);
               }));
  WaitReasons waiting;
  waiting.Learn(view.tasks);
  for (TaskView& task : WhyWaiting(waiting)) view.tasks[task.index] = std::move(task);
  TellFetching(view);
  return view;
}

// While its repositories are fetched a run is queued, and that is why. Not stored: it changes all the time.
void Coordinator::TellFetching(RunView& view) const {
  if (view.status.state == RunState::kQueued && view.status.reason.empty())
    view.status.reason = resolver_->Progress(view.header.id);
}

// What has changed of why tasks wait; costs a question to the loop if one does.
std::vector<TaskView> Coordinator::WhyWaiting(WaitReasons& waiting) {
  if (!waiting.any()) return {};
  auto agents = ListAgents();
  if (!agents) return {};  // the run can be told without it
  return waiting.Changes(*agents, clock_.Read().wall);
}

void Coordinator::Know(const std::string& name, const std::string& address) {
  {
    MutexLock lock(mutex_);
    agents_.insert_or_assign(name, address);
  }
  Post(engine_input::AgentKnown{address});
}

std::map<std::string, std::string> Coordinator::NamedAgents() {
  MutexLock lock(mutex_);
  return agents_;
}

Result<std::string> Coordinator::ProjectOf(const std::string& run, const std::string& author) {
  return WithReader([&](StoreReader& reader) -> Result<std::string> {
    CROMT_ASSIGN(const RunId id, reader.Resolve(run, author));
    return reader.ProjectOf(id);
  });
}

Result<std::vector<RunView>> Coordinator::ListRuns(const std::string& project, uint32_t limit) {
  return WithReader([&](StoreReader& reader) { return reader.Runs(project, limit); });
}

Result<std::vector<ProjectView>> Coordinator::ListProjects() {
  return WithReader([](StoreReader& reader) { return reader.Projects(); });
}

Result<std::vector<RevisionView>> Coordinator::ListRevisions(const std::string& project, uint32_t limit) {
  return WithReader([&](StoreReader& reader) { return reader.Revisions(project, limit); });
}

// ---- Following --------------------------------------------------------------------------------

namespace {

// How often somebody who follows a quiet run is asked whether he is still there.
constexpr Duration kAreYouThere = seconds(1);
constexpr size_t kLogSlice = 1 << 20;
// How long a follower of a finished run waits for output that its agent has not sent yet.
constexpr Duration kLogPatience = seconds(30);

}  // namespace

Status Coordinator::WatchRun(const std::string& run, const std::string& author,
                             const std::function<bool(const RunUpdate&)>& sink) {
  return WatchRun(run, author, sink, {});
}

Status Coordinator::WatchRun(const std::string& run, const std::string& author,
                             const std::function<bool(const RunUpdate&)>& sink, const GaveUp& gave_up) {
  CROMT_ASSIGN(StoreReader reader, BorrowReader());
  CROMT_ASSIGN(RunId id, reader.Resolve(run, author));
  Notifier::Watch watch(notifier_, id);
  CROMT_ASSIGN(auto changes, reader.Snapshot(id));
  RunView known = *changes.update.run;
  known.tasks = changes.update.tasks;  // whose names and hosts do not change
  WaitReasons waiting;
  waiting.Learn(changes.update.tasks);
  for (TaskView& task : WhyWaiting(waiting)) changes.update.tasks[task.index] = std::move(task);
  TellFetching(*changes.update.run);
  std::string told;  // why the run itself waits; also what the first picture says, once it holds on
  Mono asked = clock_.Read().mono;
  for (;;) {
    if ((changes.update.run || !changes.update.tasks.empty()) && !sink(changes.update)) return {};
    if (changes.finished) break;
    CROMT_ASSIGN(auto more, reader.Since(known, changes.seq));
    changes = std::move(more);
    bool nothing = !changes.update.run && changes.update.tasks.empty();
    if (nothing && !watch.Wait(kAreYouThere)) return Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
    if (nothing && gave_up && gave_up()) return {};
    for (TaskView& task : changes.update.tasks) {
      TaskStatus status = std::move(task.status);
      std::string image_digest = std::move(task.image_digest);
      task = known.tasks[task.index];
      task.status = std::move(status);
      task.image_digest = std::move(image_digest);
    }
    if (changes.update.run) {
      known.commit = changes.update.run->commit;
      known.status = changes.update.run->status;
      told = known.status.reason;
    }
    waiting.Learn(changes.update.tasks);
    if (nothing && clock_.Read().mono - asked >= kAreYouThere) {
      changes.update.tasks = WhyWaiting(waiting);
      if (known.status.state == RunState::kQueued) {
        RunView now{known.header, known.status, known.commit, {}, {}};
        TellFetching(now);
        if (std::exchange(told, now.status.reason) != now.status.reason) changes.update.run = std::move(now);
      }
      asked = clock_.Read().mono;
    }
  }
  GiveBack(std::move(reader));
  return {};
}

Status Coordinator::RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                            const std::function<bool(const LogPiece&)>& sink) {
  return RunLogs(run, task, follow, author, sink, {});
}

namespace {

// How much output of each attempt has been given out.
using Seen = std::map<std::pair<TaskIndex, uint32_t>, int64_t>;

// The first task of which some output has not come yet.
const TaskView* Incomplete(const RunView& run, const Seen& seen) {
  for (const TaskView& task : run.tasks) {
    if (task.status.log_bytes == 0) continue;
    auto found = seen.find({task.index, task.status.attempt});
    if (found == seen.end() || found->second < task.status.log_bytes) return &task;
  }
  return nullptr;
}

}  // namespace

Status Coordinator::RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                            const std::function<bool(const LogPiece&)>& sink, const GaveUp& gave_up) {
  CROMT_ASSIGN(const RunId id, WithReader([&](StoreReader& reader) { return reader.Resolve(run, author); }));
  Notifier::Watch watch(notifier_, id);  // before anything is read: a run that ends in between is not waited for
  CROMT_ASSIGN(RunView view, GetRun(id.text(), ""));
  CROMT_ASSIGN(auto only, TaskNamed(view, task));
  uint64_t cursor = 0;
  Seen seen;
  bool complete = view.status.state == RunState::kFinished;  // `view` is the run's final state
  Mono progress = clock_.Read().mono;
  for (;;) {
    CROMT_ASSIGN(auto slice, logs_->Read(id, cursor, kLogSlice));
    cursor = slice.next_cursor;
    for (const LogPiece& piece : slice.pieces) {
      seen[{piece.task, piece.attempt}] += static_cast<int64_t>(piece.data.size());
      if (only && piece.task != *only) continue;
      if (!sink(piece)) return {};
    }
    if (!slice.pieces.empty()) {
      progress = clock_.Read().mono;
      continue;
    }
    if (!follow) return {};
    if (complete) {
      const TaskView* missing = Incomplete(view, seen);
      if (!missing) return {};
      if (clock_.Read().mono - progress > kLogPatience)
        return Fail(ErrorCode::kUnavailable, "not all output of task " + std::to_string(missing->index + 1) +
                                                 " has come from " + missing->host +
                                                 "; what its agent still sends will be in `cromt logs`");
    }
    if (!watch.Wait(kAreYouThere)) return Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
    if (gave_up && gave_up()) return {};
    if (complete) continue;
    CROMT_ASSIGN(RunState state, WithReader([&](StoreReader& reader) { return reader.StateOf(id); }));
    if (state != RunState::kFinished) continue;
    CROMT_ASSIGN(view, GetRun(id.text(), ""));
    complete = true;
    progress = clock_.Read().mono;
  }
}

}  // namespace cromt
