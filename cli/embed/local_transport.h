// The way to the agent in the same process, and through another transport to all others.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "agent/agent.h"
#include "coordinator/engine.h"
#include "coordinator/log_collector.h"
#include "coordinator/transport.h"

namespace cromt {

// The address by which plans and transports mean the embedded agent; no network address looks like it.
inline constexpr char kEmbeddedAddress[] = "embedded";

class LocalTransport final : public AgentTransport {
 public:
  // `others` makes the transport for network addresses when the first is dialled. All outlive this.
  LocalTransport(Agent& agent, std::function<void(EngineInput)> post, LogCollector& logs,
                 std::function<std::unique_ptr<AgentTransport>()> others);
  ~LocalTransport() override;

  // All on the engine's thread.
  void Dial(const std::string& address, LinkId link) override;
  void Close(LinkId link, const std::string& reason) override;
  void Send(LinkId link, ToAgent message) override;
  void CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) override;
  void PushBlob(LinkId link, const std::string& address, const Digest& digest,
                const std::optional<LeaseInput>& holder) override;
  void FetchBlob(const LeaseInput& from, std::function<void(const Status&)> done) override;

 private:
  class Stream;
  struct Local {
    StreamId stream = 0;
    uint64_t subscription = 0;
  };
  AgentTransport& Others();

  Agent& agent_;
  const std::function<void(EngineInput)> post_;
  LogCollector& logs_;
  const std::function<std::unique_ptr<AgentTransport>()> make_others_;
  std::unique_ptr<AgentTransport> others_;
  std::map<LinkId, Local> local_;
};

}  // namespace cromt
