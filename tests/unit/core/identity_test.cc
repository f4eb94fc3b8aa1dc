#include "core/identity.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

TEST(IdentityTest, IsReadAsItIsWritten) {
  for (const Identity& identity :
       {Identity{MeshId("abc234"), PeerKind::kCoordinator, "", false},
        Identity{MeshId("m"), PeerKind::kAgent, "h1.example", false},
        Identity{MeshId("m"), PeerKind::kUser, "ann", false}, Identity{MeshId("m"), PeerKind::kUser, "ann", true}}) {
    auto read = IdentityFromUri(ToUri(identity));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, identity);
  }
}

TEST(IdentityTest, NothingElseIsRead) {
  for (const char* uri : {"",
                          "spiffe://",
                          "spiffe:///agent/h1",
                          "spiffe://m",
                          "spiffe://m/",
                          "spiffe://m/agent",
                          "spiffe://m/agent/",
                          "spiffe://m/agent/h1/",
                          "spiffe://m/agent/h1/x",
                          "spiffe://m/agent/../coordinator",
                          "spiffe://m/agent/h%31",
                          "spiffe://m/agent/h1?x",
                          "spiffe://m/agent/h1#x",
                          "spiffe://m:1/agent/h1",
                          "spiffe://u@m/agent/h1",
                          "spiffe://m/coordinator/",
                          "spiffe://m/Coordinator",
                          "spiffe://m/agents/h1",
                          "spiffe://m/agent/h1/agent-submit",
                          "spiffe://m/user//agent-submit",
                          "spiffe://m/user/a/agent-submit/agent-submit",
                          "SPIFFE://m/agent/h1",
                          "https://m/agent/h1",
                          " spiffe://m/agent/h1",
                          "spiffe://m/agent/h1\n",
                          "spiffe://m/agent/*"})
    EXPECT_FALSE(IdentityFromUri(uri)) << uri;
  EXPECT_FALSE(IdentityFromUri(std::string_view("spiffe://m/agent/h1\0x", 21)));
}

}  // namespace
}  // namespace cromt
