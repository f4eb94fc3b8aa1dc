#include "coordinator/service/inspect_agents.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <map>
#include <thread>

#include "coordinator/service/agent_channel.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/wire/session.h"

namespace cromt {
namespace {

constexpr size_t kAtOnce = 16;

Result<InspectedAgent> Inspect(const MeshId& mesh, const std::string& address, const AgentDialing& dialing,
                               Duration patience) {
  CROMT_ASSIGN(const service::AgentChannel opened, service::OpenAgent(dialing, address));
  auto stub = v1::AgentService::NewStub(opened.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  auto stream = stub->Session(&context);
  ToAgent hello;
  hello.hello = CoordinatorHello{.mesh = mesh, .inspect = true};
  v1::ToAgent request;
  wire::ToProto(hello, request);
  InspectedAgent agent{.addresses = {address}, .hello = {}, .inventory = {}};
  stream->Write(request);  // should it fail, so does reading
  for (v1::FromAgent answer; stream->Read(&answer);) {
    auto message = wire::FromProto(answer);
    if (!message) {
      context.TryCancel();
      stream->Finish();
      return Fail("its answer", std::move(message).error());
    }
    if (message->hello) agent.hello = *message->hello;
    if (!opened.agent.empty() && agent.hello.agent != opened.agent) {
      context.TryCancel();
      stream->Finish();
      return Fail(ErrorCode::kDenied, "it says that it is another agent than its certificate does");
    }
    agent.inventory.insert(agent.inventory.end(), message->inventory.begin(), message->inventory.end());
    if (!message->inventory_done) continue;
    context.TryCancel();
    stream->Finish();  // canceled, by us
    return agent;
  }
  const grpc::Status status = stream->Finish();
  return Fail(ErrorCode::kUnavailable,
              status.ok() ? "it closed the connection" : rpc::PlainWords(status.error_message()));
}

}  // namespace

AgentInspection InspectAgents(const MeshId& mesh, const std::vector<std::string>& addresses,
                              const AgentDialing& dialing, Duration patience) {
  std::vector<Result<InspectedAgent>> answers(addresses.size(), Fail(ErrorCode::kUnavailable, "not asked"));
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(kAtOnce, addresses.size()); ++i)
    threads.emplace_back([&] {
      for (size_t at = next++; at < addresses.size(); at = next++)
        answers[at] = Inspect(mesh, addresses[at], dialing, patience);
    });
  for (std::thread& thread : threads) thread.join();
  AgentInspection found;
  std::map<AgentId, size_t> seen;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (!answers[i]) {
      found.unreached.push_back(addresses[i] + ": " + answers[i].error().message);
      continue;
    }
    const auto [known, is_new] = seen.emplace(answers[i]->hello.agent, found.agents.size());
    if (is_new)
      found.agents.push_back(std::move(*answers[i]));
    else
      found.agents[known->second].addresses.push_back(addresses[i]);
  }
  return found;
}

}  // namespace cromt
