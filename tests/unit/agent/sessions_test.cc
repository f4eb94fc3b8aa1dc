// Goal: of one mesh an agent obeys one session, and none once it has said what there is to who recovers the store.
// Method: the real engine; the test is the coordinators.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/engine_env.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SessionsTest : public EngineEnv {
 protected:
  SessionsTest() {
    Connect();
    Up("launcher");
  }
};

TEST_F(SessionsTest, TheNewerOfAMeshClosesTheOlderAndOtherMeshesStay) {
  Greet(1, "m", 1);
  Greet(2, "other", 1);
  Greet(3, "m", 2);
  EXPECT_THAT(WhyClosed(1), HasSubstr("a newer session of this mesh took over"));
  Greet(4, "m", 1);
  EXPECT_THAT(WhyClosed(4), HasSubstr("this mesh has a newer session with the agent"));
  Step({LeaseOn(1, 1), LeaseOn(2, 2), LeaseOn(3, 3), LeaseOn(4, 4)});
  EXPECT_THAT(Taken(), ElementsAre(2, 3));
}

// `recover` calls lost what the agent does not name: no lease may come after that by what the old coordinator has said.
TEST_F(SessionsTest, WhoRecoversAStoreHearsOfAllThatIsObeyed) {
  Greet(1, "m", 1);
  Greet(2, "other", 1);
  std::vector<AgentInput> inputs = Greeting(3, {.mesh = MeshId("m"), .inspect = true});
  inputs.insert(inputs.begin(), LeaseOn(1, 1));
  inputs.push_back(LeaseOn(1, 2));
  Step(std::move(inputs));
  EXPECT_THAT(ToldOn(3), ElementsAre(1));
  EXPECT_THAT(WhyClosed(1), HasSubstr("to recover its store"));
  Step({LeaseOn(1, 3), LeaseOn(2, 4)});
  EXPECT_THAT(Taken(), ElementsAre(1, 4));
}

// It is refused for what it says next, and has ended nothing.
TEST_F(SessionsTest, WhoseStoreWentBackEndsNoOther) {
  Greet(1, "m", 1);
  Step(Greeting(2, {.mesh = MeshId("m"), .epoch = 2, .session = 9}));
  EXPECT_THAT(WhyClosed(1), IsEmpty());
  Step({LeaseOn(2, 1), LeaseOn(1, 2)});
  EXPECT_THAT(WhyClosed(2), HasSubstr("says nothing more"));
  EXPECT_THAT(Taken(), ElementsAre(2));
}

}  // namespace
}  // namespace cromt
