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

class Questions : public testing::Test {
 protected:
  // Holds up the loop where it calls At until End.
  class Hold {
   public:
    void At() {
      begun_.set_value();
      end_.get_future().wait();
    }
    void Begun() { begun_.get_future().wait(); }
    void End() { end_.set_value(); }

   private:
    std::promise<void> begun_, end_;
  };

  Questions() : dir_(testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(dir_);
    CoordinatorOptions options{.data_dir = dir_, .durability = Durability::kProcess, .program_dir = dir_};
    options.transport = [this](std::function<void(EngineInput)> to_loop, LogCollector&, BlobStore&) {
      post_ = std::move(to_loop);
      return std::make_unique<NoAgents>();
    };
    auto started = Coordinator::Start(std::move(options));
    if (started)
      coordinator_ = std::move(*started);
    else
      ADD_FAILURE() << started.error().message;
  }
  ~Questions() override {
    coordinator_.reset();
    std::filesystem::remove_all(dir_);
  }
  void SetUp() override { ASSERT_TRUE(coordinator_); }

  // Wishes that nobody can grant, so many at once.
  void Ask(int count) {
    for (int i = 0; i < count; ++i)
      asked_.push_back(std::async(std::launch::async, [this] {
        const Error error = coordinator_->ForgetAgent("127.0.0.1:1", "").error();
        if (error.code == ErrorCode::kExhausted && !told_.exchange(true)) refused_.set_value(error);
        return error.code == ErrorCode::kNotFound;
      }));
  }
  // How many of them the loop has answered.
  int Answered() {
    int answered = 0;
    for (auto& one : std::exchange(asked_, {})) answered += one.get();
    return answered;
  }

  std::string dir_;
  std::function<void(EngineInput)> post_;
  std::unique_ptr<Coordinator> coordinator_;
  std::promise<Error> refused_;  // the first that is
  std::atomic<bool> told_ = false;
  std::vector<std::future<bool>> asked_;
};

TEST_F(Questions, MoreThanTheLoopAnswersAreRefused) {
  Hold hold;
  post_(engine_input::Inspect{[&](const Engine&) { hold.At(); }});
  hold.Begun();
  Ask(Coordinator::kMostQuestions + 1);
  const Error error = refused_.get_future().get();  // of the one too many, whichever it was
  EXPECT_EQ(error.code, ErrorCode::kExhausted);
  EXPECT_THAT(error.message, HasSubstr("1000 questions wait for an answer already, which is the limit"));
  hold.End();
  EXPECT_EQ(Answered(), Coordinator::kMostQuestions);
  EXPECT_TRUE(coordinator_->ListAgents());
}

// The loop is still at what it took in together with them.
TEST_F(Questions, AnAnsweredOneCountsNoLonger) {
  Hold before, among;
  post_(engine_input::Inspect{[&](const Engine&) { before.At(); }});
  before.Begun();
  Ask(Coordinator::kMostQuestions + 1);
  refused_.get_future().wait();  // so all the others count
  post_(engine_input::Ask{ForgetAgent{"127.0.0.1:1", ""}, [&](const Result<RunId>&) { among.At(); }});
  before.End();
  among.Begun();
  Ask(1);
  EXPECT_EQ(asked_.back().wait_for(milliseconds(200)), std::future_status::timeout) << "it is refused";
  among.End();
  EXPECT_EQ(Answered(), Coordinator::kMostQuestions + 1);
}

TEST_F(Questions, WhomToForgetMayBeWrittenAsInAJobFile) {
  for (const char* agent : {"http://h", "https://h:4000/", "h", "h:4000"})
    EXPECT_EQ(coordinator_->ForgetAgent(agent, "").error().message, "no agent is known at h:4000") << agent;
  EXPECT_EQ(coordinator_->ForgetAgent("http://h/path", "").error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace cromt
