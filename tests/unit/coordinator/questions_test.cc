// A coordinator whose loop is busy takes in so many questions and refuses more in words: who gives up waiting for an
// answer leaves its question behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "coordinator/coordinator.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;

class NoAgents final : public AgentTransport {
 public:
  void Dial(const std::string&, LinkId) override {}
  void Close(LinkId, const std::string&) override {}
  void Send(LinkId, ToAgent) override {}
  void CollectLogs(LinkId, const MeshId&, const AgentId&) override {}
  void PushBlob(LinkId, const std::string&, const Digest&, const std::optional<LeaseInput>&) override {}
  void FetchBlob(const LeaseInput&, std::function<void(const Status&)>) override {}
};

TEST(Questions, MoreThanTheLoopAnswersAreRefused) {
  const std::string dir = testing::TempDir() + "questions";
  std::filesystem::remove_all(dir);
  std::function<void(EngineInput)> post;
  CoordinatorOptions options{.data_dir = dir, .durability = Durability::kProcess, .program_dir = dir};
  options.transport = [&post](std::function<void(EngineInput)> to_loop, LogCollector&, BlobStore&) {
    post = std::move(to_loop);
    return std::make_unique<NoAgents>();
  };
  auto coordinator = Coordinator::Start(std::move(options));
  ASSERT_TRUE(coordinator) << coordinator.error().message;

  std::promise<void> looked, go_on;
  post(engine_input::Inspect{[&](const Scheduler&) {
    looked.set_value();
    go_on.get_future().wait();
  }});
  looked.get_future().wait();
  std::promise<Error> refused;
  std::atomic<bool> told = false;
  std::vector<std::future<bool>> asked;
  for (int i = 0; i <= Coordinator::kMostQuestions; ++i)
    asked.push_back(std::async(std::launch::async, [&] {
      auto agents = (*coordinator)->ListAgents();
      if (!agents && !told.exchange(true)) refused.set_value(agents.error());
      return agents.has_value();
    }));
  const Error error = refused.get_future().get();  // of the one too many, whichever it was
  EXPECT_EQ(error.code, ErrorCode::kExhausted);
  EXPECT_THAT(error.message, HasSubstr("1000 questions wait for an answer already, which is the limit"));
  go_on.set_value();
  int answered = 0;
  for (auto& one : asked) answered += one.get();
  EXPECT_EQ(answered, Coordinator::kMostQuestions);
  EXPECT_TRUE((*coordinator)->ListAgents());
  coordinator->reset();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace cromt
