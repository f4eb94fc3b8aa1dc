// Secrets at the agent: in memory from the lease to the start, and nowhere else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/queue_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TaskSpec NeedsSecret() {
  TaskSpec spec{.name = "deploy", .project = "app", .work = Command{{"true"}}};
  spec.secrets = {{"db", "DB", ""}};
  return spec;
}

SecretValues Values(std::vector<std::pair<std::string, std::string>> values = {{"db", "hunter22"}}) {
  return std::make_shared<const std::vector<std::pair<std::string, std::string>>>(std::move(values));
}

class QueueSecrets : public testing::Test {
 protected:
  QueueSecrets() {
    env.LauncherUp("launcher1");
    env.Session("m");
  }
  // Of the attempt with this ticket; "" = it has none.
  std::string ValueOf(Ticket ticket) {
    const std::string* value = FindSecret(env.queue().Find(ticket)->secrets, "db");
    return value ? *value : "";
  }
  QueueEnv env{{.slots = 1}};
};

TEST_F(QueueSecrets, AreThereUntilTheProcessRuns) {
  env.LeaseSpec("m", "r1/1/1", NeedsSecret(), nullptr, Values());
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 1 in 0"));
  EXPECT_EQ(ValueOf(1), "hunter22");
  env.Begins(1);
  EXPECT_EQ(ValueOf(1), "");
}

TEST_F(QueueSecrets, AnOrderThatTheLauncherNeverGotIsGivenAgainWithThem) {
  env.LeaseSpec("m", "r1/1/1", NeedsSecret(), nullptr, Values());
  env.Effects("launch");
  env.LauncherUp("launcher1");
  env.Apply(queue_event::SlotCleaned{0});
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 1 in 0"));
  EXPECT_EQ(ValueOf(1), "hunter22");
}

TEST_F(QueueSecrets, AfterARestartTheLeaseIsReturned) {
  env.Lease("m", "r1/1/1");
  env.LeaseSpec("m", "r1/2/1", NeedsSecret(), nullptr, Values());
  env.Lease("m", "r1/3/1");
  env.Begins(1);
  env.Restart();
  env.LauncherUp("launcher1", {{1, true}});
  env.Extend("m");
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running", "r1/2/1 leased", "r1/3/1 leased"));
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 3 in 0"));
  EXPECT_THAT(env.Reports("m").back(),
              "3: r1/2/1 not_started: the agent was restarted, and keeps no secrets over that "
              "(returned)");
}

TEST_F(QueueSecrets, AStartThatTheLauncherHasGotNeedsThemNoMore) {
  env.LeaseSpec("m", "r1/1/1", NeedsSecret(), nullptr, Values());
  env.Restart();
  env.LauncherUp("launcher1", {{1, true}});
  env.Begins(1);
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running"));
}

TEST_F(QueueSecrets, WithoutAValueItDoesNotBeginAndSaysSo) {
  env.LeaseSpec("m", "r1/1/1", NeedsSecret());
  env.LeaseSpec("m", "r1/2/1", NeedsSecret(), nullptr, Values({{"other", "x"}}));
  env.LeaseSpec("m", "r1/3/1", NeedsSecret(), nullptr, Values({{"db", std::string("a\0b", 3)}}));
  EXPECT_THAT(env.Effects("launch"), testing::IsEmpty());
  EXPECT_THAT(env.Reports("m"),
              ElementsAre(HasSubstr("not_started: secret 'db', which project 'app' names, has no value"),
                          HasSubstr("not_started: secret 'db', which project 'app' names, has no value"),
                          HasSubstr("not_started: secret 'db' of project 'app' holds a NUL")));
}

TEST_F(QueueSecrets, NoRecordHoldsAValueOrWhatWasNotAskedFor) {
  env.LeaseSpec("m", "r1/1/1", NeedsSecret(), nullptr, Values());
  env.Lease("m", "r1/2/1");
  env.LeaseSpec("m", "r1/3/1", {.work = Command{{"true"}}}, nullptr, Values());
  EXPECT_EQ(env.queue().Find(3)->secrets, nullptr);
  env.Begins(1);
  for (const std::string& record : env.Records()) EXPECT_EQ(record.find("hunter22"), std::string::npos) << record;
}

TEST_F(QueueSecrets, TheirSizeCountsWhileTheyAreKept) {
  QueueEnv small({.slots = 1, .bytes = 150'000});
  small.LauncherUp("launcher1");
  small.Session("m");
  for (const char* id : {"r1/1/1", "r1/2/1", "r1/3/1", "r1/4/1"})
    small.LeaseSpec("m", id, NeedsSecret(), nullptr, Values({{"db", std::string(60'000, 'x')}}));
  EXPECT_THAT(small.Reports("m"), ElementsAre(HasSubstr("r1/4/1 not_started: what the agent knows takes")));
  small.Begins(1);
  small.LeaseSpec("m", "r1/5/1", NeedsSecret(), nullptr, Values({{"db", std::string(50'000, 'x')}}));
  EXPECT_THAT(small.Reports("m").back(), testing::EndsWith("started"));
}

TEST_F(QueueSecrets, APlainJobHasNone) {
  env.Apply(queue_event::JobSubmitted{RunId("j1"), RequestId("q1"), std::make_shared<TaskSpec>(NeedsSecret())});
  EXPECT_TRUE(env.queue().Jobs().empty());
}

}  // namespace
}  // namespace cromt
