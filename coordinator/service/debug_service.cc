#include "coordinator/service/debug_service.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>

#include "coordinator/coordinator.h"
#include "coordinator/service/gate.h"
#include "cromt/v1/debug.grpc.pb.h"
#include "io/rpc/status.h"

namespace cromt {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

class DebugServiceImpl final : public v1::DebugService::Service {
 public:
  DebugServiceImpl(Coordinator& coordinator, Gate& gate) : coordinator_(coordinator), gate_(gate) {}

  grpc::Status Bundle(grpc::ServerContext* context, const v1::BundleRequest*,
                      grpc::ServerWriter<v1::BundleChunk>* writer) override {
    const Status done = DoBundle(*context, *writer);
    return done ? grpc::Status::OK : rpc::ToStatus(done.error());
  }

 private:
  Status DoBundle(const grpc::ServerContext& context, grpc::ServerWriter<v1::BundleChunk>& writer) {
    constexpr std::string_view kMethod = "DebugService/Bundle";
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    CROMT_TRY(gate_.Record(caller, kMethod, ""));
    // It takes memory, and threads that ask agents.
    if (being_made_.exchange(true)) return Fail(ErrorCode::kExhausted, "a bundle is being made already; wait for it");
    const Status made = coordinator_.DebugBundle([&](const BundleFile& file) { return Send(file, writer); });
    being_made_ = false;
    return made;
  }

  static Status Send(const BundleFile& file, grpc::ServerWriter<v1::BundleChunk>& writer) {
    size_t at = 0;
    do {
      v1::BundleChunk chunk;
      if (at == 0) chunk.set_file(file.name);
      chunk.set_data(file.data.substr(at, kChunkBytes));
      at += chunk.data().size();
      if (!writer.Write(chunk)) return Fail(ErrorCode::kCanceled, "the caller has left");
    } while (at < file.data.size());
    return {};
  }

  Coordinator& coordinator_;
  Gate& gate_;
  std::atomic<bool> being_made_ = false;
};

}  // namespace

rpc::ServicePtr MakeDebugService(Coordinator& coordinator, Gate& gate) {
  return {new DebugServiceImpl(coordinator, gate), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
