#include "cli/embed/local_transport.h"

namespace cromt {

// The agent's side of a link: what it sends goes straight into the engine's inbox.
class LocalTransport::Stream final : public CoordinatorStream {
 public:
  Stream(Agent& agent, LinkId link, std::function<void(EngineInput)> post)
      : agent_(agent), link_(link), post_(std::move(post)) {}
  void Opened(StreamId id) { id_ = id; }
  void Send(FromAgent message) override {
    post_(engine_input::LinkMessage{link_, std::move(message)});
    agent_.Post(agent_input::StreamWritable{id_});
  }
  void Close(const Error& why) override { post_(engine_input::LinkClosed{link_, why.message}); }

 private:
  Agent& agent_;
  const LinkId link_;
  const std::function<void(EngineInput)> post_;
  std::atomic<StreamId> id_ = 0;  // set before the coordinator's first message, without which the agent says nothing
};

LocalTransport::LocalTransport(Agent& agent, std::function<void(EngineInput)> post, LogCollector& logs,
                               std::function<std::unique_ptr<AgentTransport>()> others)
    : agent_(agent), post_(std::move(post)), logs_(logs), make_others_(std::move(others)) {}

LocalTransport::~LocalTransport() {
  for (auto& [link, local] : local_) {
    if (local.subscription != 0) agent_.logs().Unsubscribe(local.subscription);
    agent_.CloseStream(local.stream);
  }
}

AgentTransport& LocalTransport::Others() {
  if (!others_) others_ = make_others_();
  return *others_;
}

void LocalTransport::Dial(const std::string& address, LinkId link) {
  if (address != kEmbeddedAddress) return Others().Dial(address, link);
  auto stream = std::make_shared<Stream>(agent_, link, post_);
  StreamId id = agent_.OpenStream(stream);
  stream->Opened(id);
  local_[link] = {id, 0};
  post_(engine_input::LinkOpened{link});
}

void LocalTransport::Close(LinkId link, const std::string& reason) {
  auto found = local_.find(link);
  if (found == local_.end()) return Others().Close(link, reason);
  if (found->second.subscription != 0) agent_.logs().Unsubscribe(found->second.subscription);
  agent_.CloseStream(found->second.stream);
  local_.erase(found);
}

void LocalTransport::Send(LinkId link, ToAgent message) {
  auto found = local_.find(link);
  if (found == local_.end()) return Others().Send(link, std::move(message));
  agent_.Post(agent_input::StreamMessage{found->second.stream, std::move(message)});
  post_(engine_input::LinkWritable{link});
}

void LocalTransport::CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) {
  auto found = local_.find(link);
  if (found == local_.end()) return Others().CollectLogs(link, mesh, agent);
  uint64_t id = found->second.subscription = agent_.logs().NewId();
  LogSubscription wanted{.mesh = mesh};
  wanted.deliver = [this, id, mesh, sender = agent](LogBatch batch) {
    LogCollector::Batch stored{sender, {}, {}};
    for (LogChunk& chunk : batch.chunks)
      stored.chunks.push_back({std::move(chunk.attempt), chunk.stream, chunk.offset, chunk.at, std::move(chunk.data)});
    stored.stored = [&agent = agent_, id, mesh, position = batch.position] {
      agent.logs().Acknowledge(id, position);
      agent.Post(agent_input::Tell{queue_event::LogsStored{mesh, position}, {}});
    };
    logs_.Post(std::move(stored));
  };
  agent_.Post(agent_input::Inspect{[&agent = agent_, id, mesh, wanted](const AgentQueue& queue) mutable {
    wanted.from = queue.LogsStoredTo(mesh);
    agent.logs().Subscribe(id, std::move(wanted));
  }});
}

void LocalTransport::PushBlob(LinkId link, const std::string& address, const Digest& digest,
                              const std::optional<LeaseInput>& holder) {
  if (address != kEmbeddedAddress) return Others().PushBlob(link, address, digest, holder);
  if (agent_.blobs().Has(digest)) return agent_.BlobArrived(digest);  // one blob store serves both
  post_(engine_input::BlobUndeliverable{link, {digest, "this machine is the coordinator, and has tried already"}});
}

void LocalTransport::FetchBlob(const LeaseInput& from, std::function<void(const Status&)> done) {
  Others().FetchBlob(from, std::move(done));
}

}  // namespace cromt
