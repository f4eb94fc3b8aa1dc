// The coordinator: engine, store, logs and Git put together, with the engine on one loop thread of its own.
// cromt-coordinator puts gRPC in front of it (coordinator/service); `cromt run` embeds it and talks to it directly.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/durability.h"
#include "base/random.h"
#include "base/service_manager.h"
#include "coordinator/engine.h"
#include "coordinator/log_collector.h"
#include "coordinator/log_store.h"
#include "coordinator/notifier.h"
#include "coordinator/projects_follower.h"
#include "coordinator/retainer.h"
#include "coordinator/secret_store.h"
#include "coordinator/source_resolver.h"
#include "coordinator/start_planner.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite_store.h"
#include "coordinator/wait_reasons.h"
#include "core/control.h"
#include "io/blob/store.h"
#include "io/config/git_settings.h"
#include "io/config/projects_from.h"
#include "io/disk/watch.h"
#include "io/process/data_dir.h"
#include "io/process/mailbox.h"
#include "io/process/workers.h"
#include "io/zone/zones.h"

namespace cromt {

struct CoordinatorOptions {
  std::string data_dir;
  Durability durability = Durability::kHost;
  std::string local_address = "127.0.0.1:4000";  // the agent of tasks without a url
  std::map<std::string, std::string> agents;     // names in job files to addresses
  bool start_by_itself = true;                   // what schedules say
  bool watch_agents = true;                      // keep sessions with all of `agents`, needed or not
  std::optional<Retention> retention;            // nullopt = nothing is removed
  std::optional<DiskLimits> disk_guard;          // of the disk under data_dir; nullopt = it is not watched
  GitSettings git;
  std::optional<ProjectsFrom> projects_from;  // a job file in Git that is followed
  std::string git_cache_dir;                  // "" = DIR/git
  std::string program_dir;                    // where cromt-git lies
  std::shared_ptr<BlobStore> blobs;           // null = one of its own
  // Of a run without a server: its secrets, by name, instead of those that DIR keeps.
  std::optional<std::vector<std::pair<std::string, std::string>>> given_secrets;
  RunId first_run;  // the id of the first run started here; empty = random as all others
  // Makes the way to agents. It outlives the loop; `post` may be called on any thread.
  std::function<std::unique_ptr<AgentTransport>(std::function<void(EngineInput)> post, LogCollector& logs,
                                                BlobStore& blobs)>
      transport;
  // Asks the agent at this address how it stands, for a debug bundle: JSON, within 10 s and a moment. Any thread;
  // empty: agents are left out.
  std::function<Result<std::string>(const std::string& address)> diagnose_agent;
  std::function<void(const std::string&)> warn;  // for the operator: any thread
  const ServiceManager* manager = nullptr;       // is told of the loop's life; outlives the coordinator
};

class EngineTrace;

class Coordinator final : public Control, private CoordinatorEdges {
 public:
  static Result<std::unique_ptr<Coordinator>> Start(CoordinatorOptions options);
  ~Coordinator() override;

  // Control: any thread; blocks until the answer is on disk, at most kPatience.
  static constexpr Duration kPatience = seconds(30);
  static constexpr int kMostQuestions = 1000;  // that the loop has not answered; more are refused
  Result<ApplyAnswer> Apply(const ApplyRequest& request) override;
  Result<RunId> Start(const StartRequest& request) override;
  Result<RunId> Cancel(const std::string& run, const std::string& task, const std::string& author) override;
  Result<RunId> Rerun(const RerunRequest& request) override;
  Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string& author) override;
  Status ForgetAgent(const std::string& agent, const std::string& author) override;
  Status DrainAgent(const std::string& agent, const std::string& why, const std::string& author) override;
  Status ResumeAgent(const std::string& agent) override;
  Result<RunView> GetRun(const std::string& run, const std::string& author) override;
  Result<std::vector<RunView>> ListRuns(const std::string& project, uint32_t limit) override;
  Result<ProjectList> ListProjects() override;
  Result<std::vector<AgentView>> ListAgents() override;
  Result<std::vector<ArtifactView>> ListArtifacts(const std::string& run, const std::string& author) override;
  Status GetArtifact(const std::string& run, const std::string& host, const std::string& name,
                     const std::string& author, const std::function<Status(const ArtifactView&)>& begin,
                     const std::function<Status(std::string_view)>& sink) override;
  Result<std::vector<RevisionView>> ListRevisions(const std::string& project, uint32_t limit) override;
  Result<RevisionText> GetRevision(uint64_t revision) override;
  Status DebugBundle(const std::function<Status(const BundleFile&)>& sink) override;
  Result<std::vector<TickSettled>> ListTicks(const std::string& project, uint32_t limit) override;
  Status Pause(const PauseRequest& request) override;
  Status Unpause(const std::string& project, const std::string& author) override;
  Status WatchRun(const std::string& run, const std::string& author,
                  const std::function<bool(const RunUpdate&)>& sink) override;
  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                 const std::function<bool(const LogPiece&)>& sink) override;

  // A member of the mesh, from now on an agent like those of CoordinatorOptions::agents.
  void Know(const std::string& name, const std::string& address) CROMT_EXCLUDES(mutex_);
  // Whose run this is.
  Result<std::string> ProjectOf(const std::string& run, const std::string& author);

  // The secret that signs a project's hooks. kNotFound: nothing is to be taken for it; why is for the operator only.
  Result<std::string> HookSecret(const std::string& project);
  // Its hook says that `commit` was pushed to `ref`, which may be in full or a branch's name. What comes of it, a
  // sentence; it is on disk then. Whatever it says, what runs is what the repository has: to repeat it starts nothing.
  Result<std::string> Pushed(const std::string& project, const std::string& ref, const std::string& commit);

  Result<std::vector<std::string>> SetSecret(const SecretRequest& request) override;
  Result<std::vector<SecretView>> ListSecrets(const std::string& project) override { return secrets_->List(project); }
  Status RemoveSecret(const std::string& project, const std::string& name) override {
    return secrets_->Remove(project, name);
  }

  // Called now and then by WatchRun and RunLogs while nothing happens: true ends them. For servers whose client left.
  using GaveUp = std::function<bool()>;
  Status WatchRun(const std::string& run, const std::string& author, const std::function<bool(const RunUpdate&)>& sink,
                  const GaveUp& gave_up);
  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                 const std::function<bool(const LogPiece&)>& sink, const GaveUp& gave_up);

  // Why it stopped working, if it did; the program must end. The callback is called once, on the loop thread.
  void OnFailure(std::function<void(Error)> callback) CROMT_EXCLUDES(mutex_);
  // Why nothing is leased (Engine::held), or started since the disk is nearly full: called now and whenever that
  // changes, on any thread; empty = none any more.
  void OnHeld(std::function<void(const std::string&)> callback) CROMT_EXCLUDES(mutex_);
  // Ends all waiting of WatchRun and RunLogs.
  void StopFollowing() override { notifier_.Stop(); }
  const MeshId& mesh() const { return engine_->mesh(); }

 private:
  explicit Coordinator(CoordinatorOptions options);
  Status Open();
  void Run();
  void Post(EngineInput input) { inbox_.Post(std::move(input)); }
  // Posts what `make` makes, which calls `answer` once, and waits for that. Any thread.
  template <class T>
  Result<T> Question(const std::function<EngineInput(std::function<void(Result<T>)> answer)>& make);
  Result<RunId> Ask(Event event);
  Result<StartRun> PlanStart(const StartRequest& request);
  Result<std::string> AddressOf(const std::string& agent);
  void PlanItself(const DueStart& due);
  void FollowProjects();
  Result<std::string> ReadProjects(const ProjectsFrom& from, const std::string& commit, std::stop_token stop);
  static std::shared_ptr<const Plan> PinnedTo(const Plan& plan, const DuePush& push);
  Status CheckProject(const std::string& project) const;
  void TellStarts(ProjectView& project);
  void TellFetching(RunView& view) const;
  std::vector<TaskView> WhyWaiting(WaitReasons& waiting);
  std::map<std::string, std::string> NamedAgents() CROMT_EXCLUDES(mutex_);
  Result<StoreReader> BorrowReader() CROMT_EXCLUDES(mutex_);
  void GiveBack(StoreReader reader) CROMT_EXCLUDES(mutex_);
  template <class F>
  auto WithReader(F f) -> decltype(f(std::declval<StoreReader&>()));

  // CoordinatorEdges, on the loop thread.
  void Dial(const std::string& address, LinkId link) override;
  void Close(LinkId link, const std::string& reason) override { transport_->Close(link, reason); }
  void Send(LinkId link, ToAgent message) override { transport_->Send(link, std::move(message)); }
  void CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) override {
    transport_->CollectLogs(link, mesh, agent);
  }
  void FetchBlob(const LeaseInput& from, std::function<void(const Status&)> done) override {
    transport_->FetchBlob(from, std::move(done));
  }
  void PushBlob(LinkId link, const std::string& address, const Digest& digest,
                const std::optional<LeaseInput>& holder) override {
    transport_->PushBlob(link, address, digest, holder);
  }
  void Resolve(const ResolveSources& wanted) override { resolver_->Resolve(wanted); }
  void PlanTick(const DueTick& tick) override { start_planner_->Plan(tick); }
  void PlanPush(const DuePush& push) override { start_planner_->Plan(push); }
  void LookAt(const WatchedRef& ref) override;
  std::string ServerOf(const std::string& repository) override;
  Result<std::shared_ptr<const Zone>> ZoneOf(const std::string& name) override;
  void Committed(std::span<const Record> records) override;
  void Published(std::span<const RunChange> changes) override { notifier_.Changed(changes); }
  SecretValues SecretsOf(const TaskSpec& spec) override { return secrets_->ValuesFor(spec.project, spec.secrets); }
  void Misbehaved(const std::string& address, const std::string& what) override;
  void Held(const std::string& why) override;
  Status CheckFiles(const Plan& plan, const std::string& run) const;
  Status CheckSecrets(const Plan& plan) const;
  // coordinator_past.cc: what is let go of, and the disk's guard.
  void LetThePastGo();
  void WatchDisk();
  Status MayStartNow();
  Status OutputIsKept(const RunId& run);
  Status AddLive(const RunId& run, std::optional<TaskIndex> task, WhyLines& lines);

  CoordinatorOptions options_;
  std::optional<DataDir> dir_;
  SystemClock clock_;
  SystemRandom random_;
  Zones zones_;
  std::atomic<bool> first_run_given_ = false;
  RunId NewRunId();
  Notifier notifier_;
  std::shared_ptr<BlobStore> blobs_;
  std::unique_ptr<GitCache> git_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<EngineTrace> trace_;  // what the engine took in and decided last
  std::unique_ptr<SecretStore> secrets_;
  std::unique_ptr<LogStore> logs_;
  std::unique_ptr<LogCollector> collector_;
  std::unique_ptr<DiskWatch> disk_;
  std::atomic<int> questions_ = 0;  // before the engine and the inbox, which hold what counts here
  std::unique_ptr<Engine> engine_;
  Mailbox<EngineInput> inbox_;
  std::unique_ptr<AgentTransport> transport_;
  std::unique_ptr<SourceResolver> resolver_;
  std::unique_ptr<StartPlanner> start_planner_;  // it asks the loop
  std::unique_ptr<ProjectsFollower> follower_;   // likewise
  std::unique_ptr<Workers> lookers_;             // bounded by Polls::kAtOnce
  std::unique_ptr<Retainer> retainer_;           // it asks the loop
  std::map<std::string, Mono> misbehaved_;       // by address: when that was told; the loop's own

  Mutex mutex_;
  std::map<std::string, std::string> agents_ CROMT_GUARDED_BY(mutex_);  // names in job files to addresses
  std::vector<StoreReader> readers_ CROMT_GUARDED_BY(mutex_);
  std::optional<Error> failure_ CROMT_GUARDED_BY(mutex_);
  std::string held_ CROMT_GUARDED_BY(mutex_);
  std::string nearly_full_ CROMT_GUARDED_BY(mutex_);  // why nothing is started, though it is not held
  std::function<void(Error)> on_failure_ CROMT_GUARDED_BY(mutex_);
  std::function<void(const std::string&)> on_held_ CROMT_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

template <class F>
auto Coordinator::WithReader(F f) -> decltype(f(std::declval<StoreReader&>())) {
  CROMT_ASSIGN(StoreReader reader, BorrowReader());
  auto result = f(reader);
  if (result) GiveBack(std::move(reader));  // after an error a fresh one is the safer choice
  return result;
}

}  // namespace cromt
