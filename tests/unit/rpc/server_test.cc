// More calls than a server has threads for.
#include "io/rpc/server.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "cromt/v1/coordinator.grpc.pb.h"
#include "io/rpc/channel.h"

namespace cromt::rpc {
namespace {

// Holds each call until it is told to let them go.
class Holding final : public v1::CoordinatorService::Service {
 public:
  void LetGo() {
    std::lock_guard lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
  }
  int most() {
    std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  grpc::Status ListAgents(grpc::ServerContext*, const v1::ListAgentsRequest*, v1::ListAgentsResponse*) override {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.wait(lock, [this] { return let_go_; });
    return grpc::Status::OK;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool let_go_ = false;
  int held_ = 0;
};

struct Call {
  grpc::ClientContext context;
  v1::ListAgentsRequest request;
  v1::ListAgentsResponse response;
};

TEST(Server, CallsBeyondItsThreadsAreRefusedInWords) {
  constexpr int kCalls = 800;
  constexpr auto kCap = std::chrono::seconds(30);
  Holding service;
  auto server = Server::Start({&service}, {{.address = "127.0.0.1:0"}}, [](const std::string&) {});
  ASSERT_TRUE(server) << server.error().message;
  auto channel = OpenChannel((*server)->addresses().front(), {});
  ASSERT_TRUE(channel);
  KeepCallbackThreads();
  auto stub = v1::CoordinatorService::NewStub(*channel);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<grpc::Status> ended;
  std::deque<Call> calls(kCalls);
  for (Call& call : calls)
    stub->async()->ListAgents(&call.context, &call.request, &call.response, [&](const grpc::Status& status) {
      std::lock_guard lock(mutex);
      ended.push_back(status);
      changed.notify_all();
    });
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, kCap, [&] { return ended.size() >= kCalls - kServerThreads; }));
    for (const grpc::Status& status : ended) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_EQ(status.error_message(), "as many calls as may be are being served here; try again");
    }
  }
  EXPECT_GT(service.most(), 0);
  EXPECT_LE(service.most(), kServerThreads);
  service.LetGo();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, kCap, [&] { return ended.size() == kCalls; }));
  Call once_more;
  EXPECT_TRUE(stub->ListAgents(&once_more.context, once_more.request, &once_more.response).ok());
}

}  // namespace
}  // namespace cromt::rpc
