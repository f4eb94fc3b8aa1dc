// An agent that sends faster than the coordinator takes in: what is not taken in is not read.
#include "coordinator/service/session_call.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace cromt::service {
namespace {

constexpr int kMessages = 100;

// Sends all it has at once, and then waits for the end of the call.
class Talkative final : public v1::AgentService::Service {
  grpc::Status Session(grpc::ServerContext*, grpc::ServerReaderWriter<v1::FromAgent, v1::ToAgent>* stream) override {
    for (int i = 0; i < kMessages; ++i) stream->Write(v1::FromAgent());
    v1::ToAgent message;
    while (stream->Read(&message)) {
    }
    return grpc::Status::OK;
  }
};

// The loop's inbox, from which the test takes by hand.
class Inbox {
 public:
  void Post(EngineInput input) {
    std::lock_guard lock(mutex_);
    if (std::holds_alternative<engine_input::LinkMessage>(input)) ++posted_;
    closed_ |= std::holds_alternative<engine_input::LinkClosed>(input);
    inputs_.push_back(std::move(input));
    changed_.notify_all();
  }
  int WaitForMessages(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return posted_ >= count; });
    return posted_;
  }
  bool WaitForEnd() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return closed_; });
  }
  // Takes in the oldest message.
  void TakeOne() {
    std::deque<EngineInput> taken;  // let go of without the lock: more is posted by that
    std::lock_guard lock(mutex_);
    for (bool is_message = false; !inputs_.empty() && !is_message; inputs_.pop_front()) {
      is_message = std::holds_alternative<engine_input::LinkMessage>(inputs_.front());
      taken.push_back(std::move(inputs_.front()));
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<EngineInput> inputs_;
  int posted_ = 0;
  bool closed_ = false;
};

TEST(SessionCall, ReadsNoFasterThanItsMessagesAreTakenIn) {
  Talkative agent;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&agent);
  auto server = builder.BuildAndStart();
  ASSERT_TRUE(server);
  Inbox inbox;
  auto call = std::make_shared<SessionCall>(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()), AgentId(),
      AgentDialing(), 1, [&inbox](EngineInput input) { inbox.Post(std::move(input)); });
  call->Start();
  for (int taken = 0; taken + SessionCall::kMostUntaken < kMessages; ++taken) {
    ASSERT_EQ(inbox.WaitForMessages(taken + SessionCall::kMostUntaken), taken + SessionCall::kMostUntaken);
    inbox.TakeOne();
  }
  // Its end comes though it is held back, once something is let go of.
  ASSERT_EQ(inbox.WaitForMessages(kMessages), kMessages);
  call->Cancel();
  inbox.TakeOne();
  EXPECT_TRUE(inbox.WaitForEnd());
  server->Shutdown();
}

}  // namespace
}  // namespace cromt::service
