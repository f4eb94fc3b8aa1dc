#include "coordinator/coordinator.h"

#include <fmt/format.h>
#include <pthread.h>

#include <set>

#include "base/name.h"
#include "coordinator/engine_trace.h"
#include "coordinator/git_cache_settings.h"
#include "coordinator/pool_agents.h"
#include "coordinator/question.h"
#include "coordinator/room.h"
#include "core/action.h"
#include "core/agent_address.h"
#include "core/planner.h"
#include "core/rerun.h"
#include "io/config/job_reader.h"
#include "io/process/boot_id.h"
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

Coordinator::Coordinator(CoordinatorOptions options)
    : options_(std::move(options)), trace_(std::make_unique<EngineTrace>()) {}

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
  engine.start_by_itself = options_.start_by_itself;
  engine.boot = BootId();
  CoordinatorEdges& edges = *this;
  engine_ = std::make_unique<Engine>(*store_, edges, random_, std::move(engine));
  transport_ = options_.transport([this](EngineInput input) { Post(std::move(input)); }, *collector_, *blobs_);
  resolver_ = std::make_unique<SourceResolver>(
      *git_,
      [this](Event event) {
        Post(engine_input::Ask{std::move(event), {}});
      },
      options_.warn);
  start_planner_ = std::make_unique<StartPlanner>([this](const DueStart& due) { PlanItself(due); });
  lookers_ = std::make_unique<Workers>("lookers", Polls::kAtOnce);
  CROMT_TRY(engine_->Start(ParseStored, clock_.Read()));
  WatchDisk();
  LetThePastGo();
  FollowProjects();
  return {};
}

Coordinator::~Coordinator() {
  StopFollowing();
  stopping_ = true;
  inbox_.Close();
  if (thread_.joinable()) thread_.join();
  inbox_.TakeAll();  // sessions whose messages wait here end once these are let go of
  retainer_.reset();
  disk_.reset();
  follower_.reset();
  lookers_.reset();
  start_planner_.reset();
  resolver_.reset();
  transport_.reset();
  collector_.reset();
}

void Coordinator::Run() {
  ::pthread_setname_np(::pthread_self(), "loop");
  for (Watchdog watchdog(options_.manager); !stopping_; watchdog.Beat(clock_.Read().mono)) {
    std::vector<EngineInput> inputs = inbox_.WaitAndTakeAll(watchdog.NextDeadline(engine_->NextDeadline()));
    if (stopping_) return;
    trace_->TookIn(inputs, clock_.Read().wall);
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

void Coordinator::Dial(const std::string& address, LinkId link) {
  trace_->Dialled(address, link, clock_.Read().wall);
  transport_->Dial(address, link);
}

void Coordinator::Committed(std::span<const Record> records) {
  trace_->Committed(records, clock_.Read().wall);
  if (retainer_) retainer_->Committed(records);
}

void Coordinator::Misbehaved(const std::string& address, const std::string& what) {
  trace_->Misbehaved(address, what, clock_.Read().wall);
  const Mono now = clock_.Read().mono;
  const auto [told, first] = misbehaved_.try_emplace(address, now);
  if (!options_.warn || (!first && now - told->second < kTellAgain)) return;
  told->second = now;
  options_.warn(fmt::format("the session with {} is ended: {}", address, what));
}

void Coordinator::Held(const std::string& why) {
  trace_->Held(why, clock_.Read().wall);
  if (options_.warn) options_.warn(why.empty() ? "there is room again, and it goes on" : why);
  MutexLock lock(mutex_);
  held_ = why;
  if (on_held_) on_held_(held_.empty() ? nearly_full_ : held_);
}

void Coordinator::OnHeld(std::function<void(const std::string&)> callback) {
  MutexLock lock(mutex_);
  on_held_ = std::move(callback);
  if (on_held_) on_held_(held_.empty() ? nearly_full_ : held_);
}

// ---- Asking the loop --------------------------------------------------------------------------

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

Status Coordinator::CheckProject(const std::string& project) const {
  const auto catalog = engine_->catalog();
  if (catalog->projects.contains(project)) return {};
  std::vector<std::string_view> names;
  for (const auto& [name, entry] : catalog->projects) names.push_back(name);
  return Fail(ErrorCode::kNotFound, "there is no project " + Quote(project) + DidYouMean(project, names));
}

Result<RunId> Coordinator::Start(const StartRequest& request) {
  CROMT_ASSIGN(StartRun event, PlanStart(request));
  return Ask(std::move(event));
}

Result<StartRun> Coordinator::PlanStart(const StartRequest& request) {
  CROMT_TRY(CheckProject(request.project));
  CROMT_TRY(MayStartNow());
  const auto catalog = engine_->catalog();
  const auto entry = catalog->projects.find(request.project);
  if (entry == catalog->projects.end()) return Fail(ErrorCode::kConflict, "the project has just been removed");
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
  return event;
}

// A rerun takes the files of the run before, which may be no more if nobody has used them for long.
Status Coordinator::CheckFiles(const Plan& plan, const std::string& run) const {
  std::set<std::string> seen;
  for (const TaskSpec& spec : plan.specs)
    if (seen.insert(spec.source.tree.sha256).second && !spec.source.tree.empty() && !blobs_->Has(spec.source.tree))
      return Fail(ErrorCode::kConflict,
                  fmt::format("the files of run {} are not kept any more; `cromt start {}` fetches them anew", run,
                              spec.project));
  return {};
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
  CROMT_TRY(MayStartNow());
  CROMT_TRY(CheckFiles(*earlier.plan, id));
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
  CROMT_ASSIGN(event.address, AddressOf(agent));
  if (!NamedAgents().contains(agent)) event.agent = AgentId(agent);
  CROMT_TRY(Ask(std::move(event)));
  return {};
}

// Of a name of the configuration, an address or a URL.
Result<std::string> Coordinator::AddressOf(const std::string& agent) {
  const auto agents = NamedAgents();
  if (auto named = agents.find(agent); named != agents.end()) return named->second;
  CROMT_ASSIGN(const AgentAddress parsed,
               agent.find("://") == agent.npos ? ParseAgentAddress(agent) : ParseAgentUrl(agent));
  return ToString(parsed);
}

Status Coordinator::DrainAgent(const std::string& agent, const std::string& why, const std::string& author) {
  CROMT_ASSIGN(std::string address, AddressOf(agent));
  CROMT_TRY(Ask(cromt::DrainAgent{std::move(address), why, author}));
  return {};
}

Status Coordinator::ResumeAgent(const std::string& agent) {
  CROMT_ASSIGN(std::string address, AddressOf(agent));
  CROMT_TRY(Ask(cromt::ResumeAgent{std::move(address)}));
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
  CROMT_ASSIGN(WhyLines live, Question<WhyLines>([&](auto answer) {
                 return engine_input::Inspect{
                     [answer, run, task, now](const Engine& e) { answer(e.scheduler().Why(run, task, now)); }};
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
                 return engine_input::Inspect{[answer](const Engine& e) { answer(e.scheduler().Agents()); }};
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

Result<std::vector<RevisionView>> Coordinator::ListRevisions(const std::string& project, uint32_t limit) {
  return WithReader([&](StoreReader& reader) { return reader.Revisions(project, limit); });
}

Result<RevisionText> Coordinator::GetRevision(uint64_t revision) {
  return WithReader([&](StoreReader& reader) { return reader.Revision(revision); });
}

}  // namespace cromt
