// What the engine tells agents of each other's artifacts: tickets for the one that has the task, and no grant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "coordinator/engine.h"
#include "coordinator/store/sqlite_store.h"
#include "io/blob/ticket.h"
#include "tests/unit/core/plan_builder.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Links are writable at once and keep what they are told.
class Links final : public CoordinatorEdges {
 public:
  std::map<std::string, LinkId> dialled;
  std::map<LinkId, std::vector<ToAgent>> sent;
  std::vector<std::string> pushed;  // "DIGEST to ADDRESS from HOLDER"
  std::vector<LeaseInput> holders;  // of these
  std::vector<std::string> closed;
  void Dial(const std::string& address, LinkId link) override { dialled[address] = link; }
  void Close(LinkId, const std::string& reason) override { closed.push_back(reason); }
  void Send(LinkId link, ToAgent message) override { sent[link].push_back(std::move(message)); }
  void CollectLogs(LinkId, const MeshId&, const AgentId&) override {}
  void PushBlob(LinkId, const std::string& address, const Digest& digest,
                const std::optional<LeaseInput>& holder) override {
    pushed.push_back(digest.sha256.substr(0, 1) + " to " + address + " from " +
                     (holder ? holder->holder.text() : "here"));
    if (holder) holders.push_back(*holder);
  }
  void FetchBlob(const LeaseInput&, std::function<void(const Status&)>) override {}
  void Resolve(const ResolveSources&) override {}
  void Published(std::span<const RunChange>) override {}
};

// maker on a ──▶ user on u, which takes "x"
class EngineArtifacts : public testing::Test {
 protected:
  EngineArtifacts() {
    const std::string path = testing::TempDir() + "engine-artifacts-test.db";
    for (const char* end : {"", "-wal", "-shm", "-mark"}) std::filesystem::remove(path + end);
    std::filesystem::remove(key_path_);
    store_ = *SqliteStore::Open(path, random_);
    engine_ = std::make_unique<Engine>(*store_, links_, random_, Engine::Options{.agents = {"a:4000", "u:4000"}});
    auto no_files = [](const std::string&, const std::string&) -> Result<std::shared_ptr<const JobFile>> {
      return Fail(ErrorCode::kInternal, "there are none");
    };
    EXPECT_TRUE(engine_->Start(no_files, now_));
    PlanBuilder plan;
    const InstanceIndex maker = plan.Add("maker", {.hosts = {"a"}});
    plan.Add("user", {.needs = {maker}, .hosts = {"u"}, .inputs = {{"x", maker, false}}});
    StartRun start{RunId("r"), RequestId("q"), "user"};
    start.plan = plan.Build();
    Step(engine_input::Ask{start, {}});
    Step({});
    for (const char* agent : {"a", "u"}) Greet(agent);
  }

  void Step(std::optional<EngineInput> input) {
    std::vector<EngineInput> inputs;
    if (input) inputs.push_back(std::move(*input));
    for (const auto& [address, link] : links_.dialled) inputs.push_back(engine_input::LinkWritable{link});
    ASSERT_TRUE(engine_->Step(std::move(inputs), now_));
  }
  LinkId LinkOf(const std::string& agent) { return links_.dialled.at(agent + ":4000"); }
  void Says(const std::string& agent, FromAgent message) {
    Step(engine_input::LinkMessage{LinkOf(agent), std::move(message)});
    Step({});
  }
  void Greet(const std::string& agent) {
    Step(engine_input::LinkOpened{LinkOf(agent)});
    FromAgent hello;
    hello.hello = AgentHello{.agent = AgentId(agent), .journal = JournalId("j-" + agent), .slots = 1};
    hello.inventory_done = true;
    Says(agent, hello);
  }
  void MakerPublishes() {
    AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{0}};
    result.published = {{"x", x_, false, *key_.GrantFor(x_)}};
    FromAgent report;
    report.reports = {{1, {RunId("r"), 0, 1}, result}};
    Says("a", report);
  }
  void Wants(const std::string& agent, const Digest& digest) {
    FromAgent message;
    message.wanted_blobs = {digest};
    Says(agent, message);
  }
  std::vector<Lease> LeasesOf(const std::string& agent) {
    std::vector<Lease> leases;
    for (const ToAgent& message : links_.sent[LinkOf(agent)])
      leases.insert(leases.end(), message.leases.begin(), message.leases.end());
    return leases;
  }
  std::vector<std::string> RefusedTo(const std::string& agent) {
    std::vector<std::string> reasons;
    for (const ToAgent& message : links_.sent[LinkOf(agent)])
      for (const BlobFailure& failure : message.blob_failures) reasons.push_back(failure.reason);
    return reasons;
  }

  const std::string key_path_ = testing::TempDir() + "engine-artifacts-test.key";
  const HolderKey key_{key_path_};
  const Digest x_{std::string(64, 'a'), 5};
  const Now now_{MonoFromMicros(1), WallFromMicros(1'700'000'000'000'000)};
  SeededRandom random_{1};
  Links links_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineArtifacts, ALeaseBringsATicketForItsAgentAndForAWhile) {
  MakerPublishes();
  const std::vector<Lease> leases = LeasesOf("u");
  ASSERT_EQ(leases.size(), 1u);
  ASSERT_EQ(leases[0].inputs->size(), 1u);
  const LeaseInput& input = leases[0].inputs->at(0);
  EXPECT_EQ(input.artifact.grant, "");
  EXPECT_EQ(input.ticket.consumer, AgentId("u"));
  EXPECT_EQ(input.ticket.expires_at, now_.wall + kTicketLife);
  EXPECT_TRUE(key_.Check(input.ticket, x_, now_.wall));
  ASSERT_EQ(LeasesOf("a").size(), 1u);
  EXPECT_EQ(LeasesOf("a")[0].inputs, nullptr);
}

TEST_F(EngineArtifacts, WhatItsTaskTakesIsBroughtToAnAgentAndNothingElse) {
  MakerPublishes();
  Wants("u", x_);
  EXPECT_THAT(links_.pushed, ElementsAre("a to u:4000 from a"));
  EXPECT_EQ(links_.holders.at(0).artifact.grant, *key_.GrantFor(x_));  // for us to fetch it with
  EXPECT_THAT(RefusedTo("u"), IsEmpty());
  Wants("u", {std::string(64, 'b'), 5});
  EXPECT_THAT(RefusedTo("u"), ElementsAre("no task that this agent has takes it"));
  Wants("a", x_);  // knows what it is called, and has no task
  EXPECT_THAT(RefusedTo("a"), ElementsAre("no task that this agent has takes it"));
  EXPECT_EQ(links_.pushed.size(), 1u);
  EXPECT_THAT(links_.closed, IsEmpty());
}

// The answers wait here until it reads them.
TEST_F(EngineArtifacts, WhoAsksOnAndReadsNothingIsLeft) {
  FromAgent message;
  message.wanted_blobs.assign(kMaxBatch, {std::string(64, 'b'), 5});
  std::vector<EngineInput> inputs;
  for (int i = 0; i < 3; ++i) inputs.push_back(engine_input::LinkMessage{LinkOf("u"), message});
  ASSERT_TRUE(engine_->Step(std::move(inputs), now_));
  EXPECT_THAT(links_.closed,
              ElementsAre("protocol error: it asks for blobs and does not hear that it can't have them"));
}

}  // namespace
}  // namespace cromt
