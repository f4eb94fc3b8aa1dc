// The agent: engine, launcher connection, log feed and workspaces put together, on one supervisor thread of its own.
// cromt-agent puts gRPC in front of it (agent/service); `cromt run` embeds it and talks to it directly.
#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "agent/container_start.h"
#include "agent/engine.h"
#include "agent/job_users.h"
#include "agent/launch_command.h"
#include "agent/launcher_client.h"
#include "agent/launcher_talk.h"
#include "agent/log_feed.h"
#include "agent/log_trim.h"
#include "agent/preparer.h"
#include "agent/publisher.h"
#include "agent/workspaces.h"
#include "base/durability.h"
#include "base/random.h"
#include "base/service_manager.h"
#include "io/blob/store.h"
#include "io/blob/ticket.h"
#include "io/disk/watch.h"
#include "io/process/data_dir.h"
#include "io/process/mailbox.h"

namespace cromt {

struct AgentOptions {
  std::string data_dir;
  Durability durability = Durability::kHost;
  std::string name;    // in its mesh, and so its id; empty = a random one of its own
  uint32_t slots = 0;  // 0 = max(8, 2 x cores)
  std::map<std::string, std::string> labels;
  std::string program_dir;  // where cromt-launcher and cromt-step lie
  Variables env;            // for every job
  LauncherOptions launcher;
  ContainerSettings containers;
  Resources limits;  // that no job exceeds
  UserPolicy users;
  std::function<void(const std::string&)> warn = [](const std::string&) {};  // for the operator: any thread
  int64_t blob_quota_bytes = int64_t{20} << 30;                              // of artifacts and repositories' files
  std::optional<DiskLimits> disk_guard;  // of the disk under data_dir; nullopt = it is not watched
  std::shared_ptr<BlobStore> blobs;      // null = one of its own; shared when embedded, so that no tree is copied
  // Brings an artifact from the agent that holds it, on any thread; made for the agent's own store. Empty: all
  // artifacts of others are wanted of the coordinator.
  using Fetch = std::function<void(const LeaseInput&, std::function<void(const Status&)>)>;
  std::function<Fetch(BlobStore&)> make_fetch;
  const ServiceManager* manager = nullptr;  // is told of the supervisor's life; outlives the agent
};

// One coordinator's stream, however it is carried. Called on the supervisor thread; must not block.
class CoordinatorStream {
 public:
  virtual ~CoordinatorStream() = default;
  virtual void Send(FromAgent message) = 0;  // answered by StreamWritable
  virtual void Close(const Error& why) = 0;
};

// Watches one plain job. Called on the supervisor thread with each new state; must not block.
using JobWatcher = std::function<void(const QueuedAttempt&)>;

class AgentTrace;
class Diagnosis;

class Agent final : private AgentEdges, private LauncherTalk::Host {
 public:
  // Opens the data directory, starts or finds the launcher, and begins to work.
  static Result<std::unique_ptr<Agent>> Start(AgentOptions options);
  // Stops working; running jobs go on under the launcher. REQUIRES: no stream is open.
  ~Agent() override;

  // All below: any thread.
  void Post(AgentInput input) { inbox_.Post(std::move(input)); }
  StreamId OpenStream(std::shared_ptr<CoordinatorStream> stream) CROMT_EXCLUDES(mutex_);
  void CloseStream(StreamId stream) CROMT_EXCLUDES(mutex_);
  uint64_t WatchJob(const RunId& job, JobWatcher watcher) CROMT_EXCLUDES(mutex_);
  void UnwatchJob(uint64_t id) CROMT_EXCLUDES(mutex_);
  LogFeed& logs() { return *logs_; }
  BlobStore& blobs() { return *blobs_; }
  const HolderKey& holder_key() const { return *holder_key_; }
  void BlobArrived(const Digest& digest);
  RunId NewJobId();
  // Both REQUIRE: called within an Inspect. How far the host's log has been written.
  uint64_t log_end() const { return talk_.log_end(); }
  // No output of an attempt lies before this whose start the queue has not heard of: where to read on from for one that
  // is about to start. log_end() may be past its first output already, for it is known as soon as the launcher says so.
  uint64_t log_end_heard() const { return log_end_heard_; }
  const std::function<void(const std::string&)>& warn() const { return options_.warn; }
  const AgentIdentity& identity() const { return identity_; }
  uint32_t slots() const { return identity_.slots; }
  // Why it stopped working, if it did (a full disk under its journal): the program should end.
  std::optional<Error> failure() CROMT_EXCLUDES(mutex_);
  // Called once on the supervisor thread when it fails. Set before the first stream is opened.
  void OnFailure(std::function<void(Error)> callback) CROMT_EXCLUDES(mutex_);
  // Why nothing new is taken or begun; empty = it is. Called now and whenever that changes, on any thread; empty
  // callback = not any more.
  void OnRefusal(std::function<void(const std::string&)> callback) CROMT_EXCLUDES(mutex_);

  // How it stands and what it did last; called once on the supervisor's thread, or let go of if that has ended.
  void Diagnose(std::function<void(Diagnosis)> answer);
  // Ends all attempts that run. Any thread; returns at once.
  void StopAll();
  // Tells the launcher to end once it has nothing left: for an embedded agent that will not come back to its data
  // directory. Blocks until it has ended, at most two seconds.
  void ShutDownLauncher();

 private:
  explicit Agent(AgentOptions options);
  Status Open();
  Status CleanFreeSlots();
  ContainerPlaces PlacesOf(const TaskSpec* spec, uint32_t slot);
  std::string DirectoryOf(const TaskSpec& spec, uint32_t slot);
  Result<launcher::Start> StartOf(const QueuedAttempt& attempt, uint32_t slot);
  Status CheckLevel(const launcher::Start& start) const;
  Status ConnectLauncher();
  void Run();
  Status TakeFromLauncher(std::vector<AgentInput>& inputs);
  std::string StopRemains(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost);
  void SayLauncherIsUp(const queue_event::LauncherUp& up, size_t lost);
  std::string HowItEnded(const QueuedAttempt* attempt, const std::optional<ExitStatus>& status,
                         bool out_of_memory) const;
  void WatchDisk();
  void Fail(Error error) CROMT_EXCLUDES(mutex_);

  // AgentEdges, on the supervisor thread.
  void Launch(const QueuedAttempt& attempt, uint32_t slot) override;
  void StopProcess(Ticket ticket) override;
  void ForgetResult(Ticket ticket) override;
  void Prepare(const QueuedAttempt& attempt, uint32_t slot) override;
  void StopPreparing(Ticket ticket) override { preparer_->Stop(ticket); }
  void CleanSlot(uint32_t slot) override;
  void Publish(const QueuedAttempt& attempt, uint32_t slot) override;
  void BlobFailed(const BlobFailure& failure) override;
  void Send(StreamId stream, FromAgent message) override;
  void Close(StreamId stream, const Error& why) override;
  void Refuses(const std::string& reason) override;
  void JobChanged(const QueuedAttempt& job) override;
  void Journaled(std::span<const JournalRecord> records) override;
  void Forgotten(Ticket ticket) override;

  // LauncherTalk::Host, likewise.
  bool IsOfBefore() override;
  void Replaces() override;
  void Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) override;
  void Complete(const launcher::Ended& ended, const QueuedAttempt* attempt, queue_event::LauncherEnded& event) override;
  void LogGrew(launcher::LogPosition end) override;
  void Warn(const std::string& text) override;

  AgentOptions options_;
  std::optional<DataDir> dir_;
  AgentIdentity identity_;
  std::optional<JobUsers> users_;
  SystemClock clock_;
  SystemRandom random_;
  std::shared_ptr<BlobStore> blobs_;
  std::optional<Workspaces> workspaces_;
  std::unique_ptr<AgentTrace> trace_;  // what the engine took in and decided last
  std::unique_ptr<JournalStore> journal_;
  std::unique_ptr<AgentEngine> engine_;
  std::unique_ptr<LogFeed> logs_;
  std::unique_ptr<Preparer> preparer_;
  std::optional<HolderKey> holder_key_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<DiskWatch> disk_;

  // The supervisor thread's own.
  std::optional<LauncherClient> launcher_;
  LauncherTalk talk_;
  std::string last_incarnation_;                       // of the launcher that said last what it knows; empty = none has
  std::shared_ptr<std::promise<void>> launcher_gone_;  // somebody waits for its end
  uint64_t log_end_heard_ = 0;                         // log_end() when the last Step was over
  std::optional<LogTrim> trim_;

  Mailbox<AgentInput> inbox_;
  Mutex mutex_;
  StreamId next_stream_ CROMT_GUARDED_BY(mutex_) = 1;
  std::map<StreamId, std::shared_ptr<CoordinatorStream>> streams_ CROMT_GUARDED_BY(mutex_);
  uint64_t next_watch_ CROMT_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::pair<RunId, JobWatcher>> watchers_ CROMT_GUARDED_BY(mutex_);
  std::optional<Error> failure_ CROMT_GUARDED_BY(mutex_);
  std::function<void(Error)> on_failure_ CROMT_GUARDED_BY(mutex_);
  std::string refusal_ CROMT_GUARDED_BY(mutex_);
  std::function<void(const std::string&)> on_refusal_ CROMT_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cromt
