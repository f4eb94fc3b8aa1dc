#include "cli/embed/embedded.h"

#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/service/agent_service.h"
#include "base/name.h"
#include "cli/embed/local_transport.h"
#include "cli/embed/run_files.h"
#include "coordinator/coordinator.h"
#include "coordinator/service/grpc_transport.h"
#include "io/process/boot_id.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

void Warn(const std::string& message) {
  fmt::print(stderr, "cromt: {}\n", message);
}

}  // namespace

// The coordinator goes first: its transport refers to the agent.
struct Embedded::Parts {
  std::string data_dir;
  std::unique_ptr<Agent> agent;
  std::unique_ptr<Coordinator> coordinator;
};

Embedded::Embedded(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Embedded::~Embedded() {
  parts_->agent->OnFailure([](const Error&) {});
  parts_->coordinator.reset();
  parts_->agent->ShutDownLauncher();
}

Result<std::unique_ptr<Embedded>> Embedded::Start(EmbeddedOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->data_dir = options.data_dir;
  CROMT_TRY(WriteFileAtomic(options.data_dir + "/" + kRunBootFile, BootId() + "\n"));
  CROMT_ASSIGN(auto opened, BlobStore::Open(options.data_dir + "/blobs", Durability::kProcess));
  std::shared_ptr<BlobStore> blobs = std::move(opened);

  AgentOptions agent{.data_dir = options.data_dir + "/agent", .slots = options.slots, .program_dir = ProgramDir()};
  // After a boot nothing of an embedded run is resumed.
  agent.durability = Durability::kProcess;
  agent.launcher.orphan_timeout = kRunOrphanTimeout;
  agent.containers.engine = EngineAddress("");
  agent.users.run_as = {"*"};                  // as far as the user may become somebody else
  agent.containers.policy.containers = {"*"};  // the user may use that engine as it is
  agent.blobs = blobs;
  agent.make_fetch = GrpcFetch(options.insecure, nullptr);
  agent.warn = Warn;
  CROMT_ASSIGN(parts->agent, Agent::Start(std::move(agent)));

  CoordinatorOptions coordinator;
  coordinator.data_dir = options.data_dir + "/coordinator";
  coordinator.local_address = kEmbeddedAddress;
  coordinator.agents = options.agents;
  coordinator.watch_agents = false;
  coordinator.start_by_itself = false;
  coordinator.durability = Durability::kProcess;
  coordinator.git = options.git;
  coordinator.git.allow_local = true;
  coordinator.git_cache_dir = StateDir("git");  // shared by all embedded runs of this user
  coordinator.program_dir = ProgramDir();
  coordinator.blobs = blobs;
  coordinator.given_secrets = options.secrets;
  coordinator.warn = Warn;
  std::string id = options.data_dir.substr(options.data_dir.rfind('/') + 1);
  if (IsName(id)) coordinator.first_run = RunId(id);
  coordinator.transport = [raw = parts->agent.get(), insecure = options.insecure](auto post, LogCollector& logs,
                                                                                  BlobStore& store) {
    auto others = [=, &logs, &store] {
      return MakeGrpcTransport({.dialing = {.insecure = insecure}, .post = post, .warn = Warn}, logs, store);
    };
    return std::make_unique<LocalTransport>(*raw, post, logs, others);
  };
  CROMT_ASSIGN(parts->coordinator, Coordinator::Start(std::move(coordinator)));
  // A full disk: whoever follows the run is told, and what it has started is ended.
  auto failed = [raw = parts.get()](const Error& error) {
    Warn("can't go on: " + error.message);
    raw->agent->StopAll();
    raw->coordinator->StopFollowing();
  };
  parts->coordinator->OnFailure(failed);
  parts->agent->OnFailure(failed);
  return std::unique_ptr<Embedded>(new Embedded(std::move(parts)));
}

Control& Embedded::control() {
  return *parts_->coordinator;
}
std::string Embedded::data_dir() {
  return parts_->data_dir;
}

}  // namespace cromt
