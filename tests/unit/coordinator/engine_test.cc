// The engine's own promises: one transaction before any answer, and one answer a request.
#include "coordinator/engine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "coordinator/store/sqlite_store.h"

namespace cromt {
namespace {

class NoEdges final : public CoordinatorEdges {
 public:
  void Dial(const std::string&, LinkId) override {}
  void Close(LinkId, const std::string&) override {}
  void Send(LinkId, ToAgent) override {}
  void CollectLogs(LinkId, const MeshId&) override {}
  void PushBlob(LinkId, const std::string&, const Digest&) override {}
  void Resolve(const ResolveSources&) override {}
  void Published(std::span<const RunChange>) override {}
};

TEST(EngineTest, ARequestRepeatedInTheBatchThatEndsItsRunGetsTheFirstAnswer) {
  std::string path = testing::TempDir() + "engine-test.db";
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
  SeededRandom random(1);
  NoEdges edges;
  auto store = *SqliteStore::Open(path, random);
  Engine engine(*store, edges, random, {});
  auto no_files = [](const std::string&, const std::string&) -> Result<std::shared_ptr<const JobFile>> {
    return Fail(ErrorCode::kInternal, "there are none");
  };
  ASSERT_TRUE(engine.Start(no_files, Now{}));

  // A run without tasks ends in the moment in which it starts.
  std::vector<std::string> answers;
  std::vector<EngineInput> twice;
  for (const char* run : {"first", "second"}) {
    StartRun start{RunId(run), RequestId("q"), "p"};
    start.plan = std::make_shared<const Plan>();
    twice.push_back(engine_input::Ask{start, [&](Result<RunId> answer) { answers.push_back(answer->text()); }});
  }
  ASSERT_TRUE(engine.Step(std::move(twice), Now{}));
  EXPECT_EQ(answers, (std::vector<std::string>{"first", "first"}));
}

}  // namespace
}  // namespace cromt
