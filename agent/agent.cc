#include "agent/agent.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/engine_trace.h"
#include "agent/first_line.h"
#include "agent/job_secrets.h"
#include "agent/output_left.h"
#include "base/name.h"

namespace cromt {
namespace {

constexpr auto kShutdownPatience = std::chrono::seconds(2);

// The id of the agent lives as long as its data directory.
Result<AgentId> OwnId(const DataDir& dir, Random& random) {
  std::string path = dir.File("agent-id");
  if (std::string id = FirstLine(path); IsName(id)) return AgentId(id);
  AgentId id(RandomName(random));
  CROMT_TRY(WriteFileAtomic(path, id.text() + "\n"));
  return id;
}

}  // namespace

// ---- Start and end ----------------------------------------------------------------------------

Agent::Agent(AgentOptions options)
    : options_(std::move(options)), trace_(std::make_unique<AgentTrace>()), talk_(*this) {}

Result<std::unique_ptr<Agent>> Agent::Start(AgentOptions options) {
  std::unique_ptr<Agent> agent(new Agent(std::move(options)));
  CROMT_TRY(agent->Open());
  agent->thread_ = std::thread([raw = agent.get()] { raw->Run(); });
  return agent;
}

Status Agent::Open() {
  CROMT_ASSIGN(dir_, DataDir::Open(options_.data_dir));
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  identity_.agent = AgentId(options_.name);
  if (options_.name.empty()) {
    CROMT_ASSIGN(identity_.agent, OwnId(*dir_, random_));
  }
  identity_.boot = FirstLine("/proc/sys/kernel/random/boot_id");
  identity_.slots = options_.slots != 0 ? options_.slots : std::max(8u, 2 * cores);
  identity_.labels = options_.labels;
  identity_.version = CROMT_VERSION;
  JobSettings own = OwnJobSettings(options_.program_dir + "/cromt-step");
  own.env = options_.env;
  own.limits = options_.limits;
  own.agent_mark = AgentMark(identity_.agent, dir_->path());
  CROMT_ASSIGN(users_, JobUsers::Open(options_.users, std::move(own)));
  // Who runs jobs as others lets them through to their workspaces.
  if (options_.users.names_others() && ::geteuid() == 0 && ::chmod(dir_->path().c_str(), 0711) != 0)
    return tl::unexpected<Error>(ErrnoError("can't open " + dir_->path() + " to jobs", errno));
  blobs_ = options_.blobs;
  if (!blobs_) {
    CROMT_ASSIGN(blobs_, BlobStore::Open(dir_->File("blobs"), options_.durability));
  }
  CROMT_ASSIGN(workspaces_, Workspaces::Open(dir_->File("work"), identity_.slots));
  CROMT_ASSIGN(auto opened, Journal::Open(dir_->path(), {.durability = options_.durability, .boot = identity_.boot}));
  journal_ = std::move(opened.journal);
  AgentEdges& edges = *this;
  engine_ = std::make_unique<AgentEngine>(*journal_, edges, identity_, QueueLimits{.slots = identity_.slots},
                                          JournalId(RandomName(random_)));
  logs_ = std::make_unique<LogFeed>(launcher::LogDir(dir_->path()));
  trim_.emplace(launcher::LogDir(dir_->path()));
  auto tell = [this](QueueEvent event) { Post(agent_input::Tell{std::move(event), {}}); };
  Preparer::Callbacks callbacks{
      tell,
      [this](const MeshId& mesh, const Digest& digest) {
        Post(agent_input::BlobWanted{mesh, digest});
      },
      {},
      options_.warn,
      [this](uint32_t slot) { return EmptyBox(options_.containers, PlacesOf(nullptr, slot), slot); }};
  if (options_.make_fetch)
    callbacks.fetch = [this, fetch = options_.make_fetch(*blobs_)](const MeshId& mesh, const LeaseInput& input) {
      fetch(input, [this, mesh, digest = input.artifact.digest](const Status& fetched) {
        if (fetched)
          preparer_->BlobArrived();
        else
          preparer_->FetchFailed(mesh, digest, fetched.error().message);
      });
    };
  preparer_ = std::make_unique<Preparer>(*workspaces_, *blobs_, options_.blob_quota_bytes, std::move(callbacks));
  holder_key_.emplace(dir_->File("ticket-key"));
  publisher_ = std::make_unique<Publisher>(*blobs_, *holder_key_, [this, tell](QueueEvent event) {
    tell(std::move(event));
    preparer_->BlobArrived();
  });
  // Where the log can't go on behind all that was printed before a crash of the host nothing may start: what would be
  // printed then might lie where coordinators have read already.
  CROMT_ASSIGN(const OutputsInLog outputs, OutputLeft(launcher::LogDir(dir_->path()), opened.records, identity_.boot,
                                                      clock_.Read().wall, options_.warn));
  CROMT_TRY(engine_->Start(opened.records, clock_.Read(), outputs));
  for (const InventoryTicket& item : engine_->queue().Tickets()) logs_->Register(item.ticket, item.mesh, item.id);
  CROMT_TRY(CleanFreeSlots());
  WatchDisk();
  return ConnectLauncher();
}

// What a crash left in slots that no attempt holds any more.
Status Agent::CleanFreeSlots() {
  std::vector<bool> held(identity_.slots);
  for (const InventoryTicket& item : engine_->queue().Tickets())
    if (const auto& slot = engine_->queue().Find(item.ticket)->slot; slot && *slot < held.size()) held[*slot] = true;
  for (uint32_t slot = 0; slot < identity_.slots; ++slot)
    if (!held[slot] && (!workspaces_->IsClean(slot) || workspaces_->HasSecrets(slot))) {
      // Where its container can't be removed now, the box stays, and with it the slot is not clean after the next job.
      if (workspaces_->HasBox(slot))
        if (auto emptied = EmptyBox(options_.containers, PlacesOf(nullptr, slot), slot); !emptied)
          options_.warn("what a container left: " + emptied.error().message);
      CROMT_TRY(workspaces_->Clean(slot));
    }
  return {};
}

// Without a spec, what is known of the slot alone.
ContainerPlaces Agent::PlacesOf(const TaskSpec* spec, uint32_t slot) {
  ContainerPlaces places{
      options_.program_dir + "/cromt-container", identity_.agent.text(), workspaces_->BoxPath(slot), {}, {}};
  if (spec) places.directory = DirectoryOf(*spec, slot);
  if (spec && NeedsScriptFile(*spec)) places.script = workspaces_->ScriptPath(slot);
  return places;
}

Agent::~Agent() {
  stopping_ = true;
  inbox_.Close();
  if (thread_.joinable()) thread_.join();
  disk_.reset();
  publisher_.reset();
  preparer_.reset();
  logs_.reset();
}

void Agent::StopAll() {
  Post(agent_input::Inspect{[this](const AgentQueue& queue) {
    for (const InventoryTicket& item : queue.Tickets()) talk_.Stop(item.ticket);
  }});
}

void Agent::ShutDownLauncher() {
  auto gone = std::make_shared<std::promise<void>>();
  auto waiting = gone->get_future();
  Post(agent_input::Inspect{[this, gone](const AgentQueue&) {
    talk_.ShutDown();
    launcher_gone_ = gone;
  }});
  waiting.wait_for(kShutdownPatience);
}

// ---- The supervisor thread --------------------------------------------------------------------

void Agent::Run() {
  ::pthread_setname_np(::pthread_self(), "supervisor");
  for (Watchdog watchdog(options_.manager); !stopping_; watchdog.Beat(clock_.Read().mono)) {
    std::array<pollfd, 2> fds = {pollfd{inbox_.fd(), POLLIN, 0}, pollfd{-1, POLLIN, 0}};
    if (launcher_) {
      fds[1].fd = launcher_->fd();
      if (launcher_->wants_write()) fds[1].events |= POLLOUT;
    }
    WaitFor(fds, watchdog.NextDeadline(engine_->NextDeadline()));
    std::vector<AgentInput> inputs = inbox_.TakeAll();
    if (auto taken = TakeFromLauncher(inputs); !taken) return Fail(taken.error());
    trace_->TookIn(inputs, clock_.Read().wall);
    if (auto stepped = engine_->Step(std::move(inputs), clock_.Read()); !stepped) return Fail(stepped.error());
    if (launcher_ && !talk_.orders().empty()) {
      // A broken connection shows at the next Receive; what was asked is asked again after the next hello. A launcher
      // that does not read is asked once it does.
      auto sent = launcher_->Send(talk_.orders());
      if (sent || sent.error().code != ErrorCode::kExhausted) talk_.Sent();
    }
    log_end_heard_ = log_end();
    trim_->Step(engine_->queue(), log_end());
  }
}

void Agent::Fail(Error error) {
  inbox_.Close();
  inbox_.TakeAll();  // whose askers are answered by letting go of their questions
  MutexLock lock(mutex_);
  failure_ = error;
  if (on_failure_) on_failure_(std::move(error));
}

std::optional<Error> Agent::failure() {
  MutexLock lock(mutex_);
  return failure_;
}

void Agent::OnFailure(std::function<void(Error)> callback) {
  MutexLock lock(mutex_);
  if (failure_) callback(*failure_);
  on_failure_ = std::move(callback);
}

// ---- Edges ------------------------------------------------------------------------------------

void Agent::Launch(const QueuedAttempt& attempt, uint32_t slot) {
  logs_->Register(attempt.ticket, attempt.mesh, attempt.id);
  auto start = StartOf(attempt, slot);
  const Status may = start ? CheckLevel(*start) : tl::unexpected<Error>(start.error());
  if (may) return talk_.Start(std::move(*start));
  AttemptResult result{.kind = AttemptResult::Kind::kNotStarted, .reason = may.error().message};
  Post(agent_input::Tell{
      queue_event::LauncherEnded{attempt.ticket, std::move(result), log_end_heard_, log_end_heard_, false}, {}});
}

std::string Agent::DirectoryOf(const TaskSpec& spec, uint32_t slot) {
  return WorkingDirectory(spec, users_->Known(spec.confinement.user), workspaces_->Path(slot));
}

Result<launcher::Start> Agent::StartOf(const QueuedAttempt& attempt, uint32_t slot) {
  const TaskSpec& spec = *attempt.spec;
  CROMT_ASSIGN(const JobSettings* settings, users_->For(spec.confinement.user));
  const Sandbox sandbox = users_->SandboxOf(spec.confinement);
  CROMT_TRY(workspaces_->Admit(slot, settings->become ? &*settings->become : nullptr, sandbox == Sandbox::kOff));
  const ContainerPlaces places = PlacesOf(&spec, slot);
  if (spec.container) return MakeContainerStart(attempt, slot, *settings, options_.containers, places);
  CROMT_ASSIGN(launcher::Start start, MakeStart(attempt, slot, *settings, workspaces_->Path(slot), places.script));
  Confine(start, *settings, sandbox, workspaces_->Path(slot), places.script);
  CROMT_TRY(GiveSecrets(start, attempt, workspaces_->SecretsPath(slot)));
  return start;
}

// Nothing is begun that the launcher of before an upgrade would begin without what it does not know.
Status Agent::CheckLevel(const launcher::Start& start) const {
  if (start.level() <= talk_.level()) return {};
  return cromt::Fail(
      ErrorCode::kUnavailable,
      fmt::format("the launcher here (process {}) is of before the agent's upgrade and can't {}; a restart of the "
                  "agent replaces it once the jobs that it runs have ended",
                  launcher_->pid(),
                  talk_.level() < 2 ? "limit or confine jobs, or hide their secrets" : "hide the secrets of jobs"));
}

void Agent::StopProcess(Ticket ticket) {
  talk_.Stop(ticket);
}
void Agent::ForgetResult(Ticket ticket) {
  talk_.Forget(ticket);
}
void Agent::CleanSlot(uint32_t slot) {
  preparer_->Clean(slot);
}

void Agent::Prepare(const QueuedAttempt& attempt, uint32_t slot) {
  const TaskSpec& spec = *attempt.spec;
  const auto settings = users_->For(spec.confinement.user);
  Status may = settings ? Status() : tl::unexpected<Error>(settings.error());
  // They are read and written by this process, which is not kept from what the user is.
  if (may && (*settings)->become && !spec.source.directory.empty() && (attempt.inputs || !spec.publishes.empty()))
    may = cromt::Fail(ErrorCode::kDenied,
                      "artifacts of a directory that is used in place are only for jobs of the agent's own "
                      "user; take the files from a repository, or copy them in the job");
  if (!may) return Post(agent_input::Tell{queue_event::PrepareFailed{attempt.ticket, may.error().message}, {}});
  preparer_->Prepare(attempt, slot, DirectoryOf(spec, slot), (*settings)->become);
}

void Agent::Publish(const QueuedAttempt& attempt, uint32_t slot) {
  auto spec = FillHere(attempt.spec, users_->Known(attempt.spec->confinement.user));
  if (!spec) return Post(agent_input::Tell{queue_event::PublishFailed{attempt.ticket, spec.error().message}, {}});
  publisher_->Publish(attempt.ticket, DirectoryOf(**spec, slot), *spec);
}

void Agent::BlobFailed(const BlobFailure& failure) {
  preparer_->BlobFailed(failure.digest, failure.reason);
}

void Agent::Send(StreamId stream, FromAgent message) {
  std::shared_ptr<CoordinatorStream> target;
  {
    MutexLock lock(mutex_);
    if (auto found = streams_.find(stream); found != streams_.end()) target = found->second;
  }
  if (target) target->Send(std::move(message));
}

void Agent::Close(StreamId stream, const Error& why) {
  trace_->Closed(stream, why.message, clock_.Read().wall);
  std::shared_ptr<CoordinatorStream> target;
  {
    MutexLock lock(mutex_);
    if (auto found = streams_.find(stream); found != streams_.end()) target = found->second;
    streams_.erase(stream);
  }
  if (target) target->Close(why);
}

void Agent::Journaled(std::span<const JournalRecord> records) {
  trace_->Journaled(records, clock_.Read().wall);
}

void Agent::Refuses(const std::string& reason) {
  trace_->Refuses(reason, clock_.Read().wall);
  std::string before;
  {
    MutexLock lock(mutex_);
    before = std::exchange(refusal_, reason);
    if (on_refusal_) on_refusal_(reason);
  }
  options_.warn(reason.empty() ? "new work is taken and begun again; what kept it from that is over: " + before
                               : "nothing new is taken or begun for now: " + reason);
}

void Agent::OnRefusal(std::function<void(const std::string&)> callback) {
  MutexLock lock(mutex_);
  on_refusal_ = std::move(callback);
  if (on_refusal_) on_refusal_(refusal_);
}

void Agent::JobChanged(const QueuedAttempt& job) {
  std::vector<JobWatcher> watchers;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, watch] : watchers_)
      if (watch.first == job.id.run) watchers.push_back(watch.second);
  }
  for (const JobWatcher& watcher : watchers) watcher(job);
}

void Agent::Forgotten(Ticket ticket) {
  logs_->Unregister(ticket);
}

// ---- For other threads ------------------------------------------------------------------------

StreamId Agent::OpenStream(std::shared_ptr<CoordinatorStream> stream) {
  StreamId id = 0;
  {
    MutexLock lock(mutex_);
    id = next_stream_++;
    streams_.emplace(id, std::move(stream));
  }
  Post(agent_input::StreamOpened{id});
  return id;
}

void Agent::CloseStream(StreamId stream) {
  {
    MutexLock lock(mutex_);
    streams_.erase(stream);
  }
  Post(agent_input::StreamClosed{stream});
}

uint64_t Agent::WatchJob(const RunId& job, JobWatcher watcher) {
  MutexLock lock(mutex_);
  watchers_.emplace(next_watch_, std::pair(job, std::move(watcher)));
  return next_watch_++;
}

void Agent::UnwatchJob(uint64_t id) {
  MutexLock lock(mutex_);
  watchers_.erase(id);
}

void Agent::BlobArrived(const Digest& digest) {
  Post(agent_input::BlobArrived{digest});
  preparer_->BlobArrived();
}

RunId Agent::NewJobId() {
  return RunId(RandomName(random_));
}

}  // namespace cromt
