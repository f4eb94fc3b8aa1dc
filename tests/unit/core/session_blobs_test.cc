// What an agent hears of blobs that it can't have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/coordinator_session.h"

namespace cromt {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Else an agent would take a failure for the answer to what it has asked for since, for such a lease.
TEST(CoordinatorSessionBlobs, ALeaseComesAfterTheFailuresBeforeIt) {
  CoordinatorSession session("a:4000", {.mesh = MeshId("m")}, {});
  FromAgent hello;
  hello.hello = AgentHello{.agent = AgentId("a"), .journal = JournalId("j"), .slots = 1};
  hello.inventory_done = true;
  ASSERT_TRUE(session.Receive(hello, {}));
  session.AddVerdicts({});
  session.Poll();  // the hello
  session.Poll();  // the verdicts
  for (size_t i = 0; i <= kMaxBatch; ++i) session.AddBlobFailure({{}, "no"});
  session.AddLease({{RunId("r"), 0, 1}, std::make_shared<TaskSpec>(), "h", nullptr});
  const ToAgent first = session.Poll(), second = session.Poll();
  EXPECT_THAT(first.blob_failures, SizeIs(kMaxBatch));
  EXPECT_THAT(first.leases, IsEmpty());
  EXPECT_THAT(second.blob_failures, SizeIs(1));
  EXPECT_THAT(second.leases, SizeIs(1));
}

}  // namespace
}  // namespace cromt
