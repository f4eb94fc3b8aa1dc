#include "io/blob/ticket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace cromt {
namespace {

const Wall kNow = WallFromMicros(1'700'000'000'000'000);

class TicketTest : public testing::Test {
 protected:
  // "" = it opens the blob.
  std::string Refusal(const BlobTicket& ticket, const Digest& digest, Wall now = kNow) const {
    const Status checked = key_.Check(ticket, digest, now);
    return checked ? "" : checked.error().message;
  }

  static std::string NewDir() {
    const std::string dir = testing::TempDir() + "/tickets";
    std::filesystem::remove_all(dir);
    std::filesystem::create_directory(dir);
    return dir;
  }

  const std::string dir_ = NewDir();
  const HolderKey key_{dir_ + "/key"};
  const Digest blob_{std::string(64, 'a'), 5};
  const std::string grant_ = *key_.GrantFor(blob_);
  const BlobTicket good_ = MakeTicket(grant_, blob_, AgentId("taker"), kNow + kTicketLife);
};

TEST_F(TicketTest, AGrantIsOfOneBlobAndOneKey) {
  EXPECT_EQ(grant_.size(), 64u);
  EXPECT_EQ(*key_.GrantFor(blob_), grant_);
  EXPECT_EQ(*HolderKey(dir_ + "/key").GrantFor(blob_), grant_);  // the key is kept
  EXPECT_NE(*key_.GrantFor({std::string(64, 'b'), 5}), grant_);
  EXPECT_NE(*key_.GrantFor({std::string(64, 'a'), 6}), grant_);
  EXPECT_NE(*HolderKey(dir_ + "/other").GrantFor(blob_), grant_);
  struct stat info {};
  ASSERT_EQ(::stat((dir_ + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// As anybody with the grant makes it; HMAC-SHA256 by Python's hmac.
TEST_F(TicketTest, HasAFormThatIsFixed) {
  const BlobTicket ticket =
      MakeTicket(std::string(64, '1'), {std::string(64, 'a'), 5}, AgentId("taker"), WallFromMicros(1'000'000));
  EXPECT_EQ(ticket.proof, "911165d82614eb5bfcef27eeb00c1b32c7c22812841bf543c72056fbe237cca1");
  EXPECT_EQ(MakeTicket(std::string(64, '1'), {std::string(64, 'a'), 5}, {}, std::nullopt).proof,
            "31354ea02d8bcb45957cf129e8b6a44eb69ad9cffaff2364472f911858a64d3b");
}

TEST_F(TicketTest, IsGoodForItsBlobUntilItsTime) {
  EXPECT_EQ(Refusal(good_, blob_), "");
  EXPECT_EQ(Refusal(good_, blob_, kNow + kTicketLife - Duration(1)), "");
  EXPECT_EQ(Refusal(good_, blob_, kNow + kTicketLife),
            "the ticket was good until 2023-11-15T22:13:20.000000Z, and here it is 2023-11-15T22:13:20.000000Z");
  EXPECT_EQ(Refusal(good_, blob_, kNow - std::chrono::hours(24 * 365)), "");  // a clock that is behind harms nobody
  const BlobTicket ours = MakeTicket(grant_, blob_, {}, std::nullopt);
  EXPECT_EQ(Refusal(ours, blob_, kNow + std::chrono::hours(24 * 365)), "");
}

TEST_F(TicketTest, NothingOfItCanBeChanged) {
  BlobTicket longer = good_, endless = good_, anothers = good_, ours = good_, cut = good_, none = good_, other = good_;
  longer.expires_at = *good_.expires_at + Duration(1);
  endless.expires_at.reset();
  anothers.consumer = AgentId("taker2");
  ours.consumer = AgentId();
  cut.proof.pop_back();
  none.proof.clear();
  other.proof[63] = other.proof[63] == '0' ? '1' : '0';
  for (const BlobTicket& changed : {longer, endless, anothers, ours, cut, none, other})
    EXPECT_EQ(Refusal(changed, blob_), "the ticket is not one of this agent for these bytes");
  for (const Digest& digest : {Digest{std::string(64, 'b'), 5}, Digest{std::string(64, 'a'), 6}})
    EXPECT_NE(Refusal(good_, digest), "");
  EXPECT_FALSE(HolderKey(dir_ + "/other").Check(good_, blob_, kNow));
  // A grant is none, and neither a grant of one's own making nor one of another blob makes a good one.
  EXPECT_NE(Refusal({AgentId("taker"), kNow + kTicketLife, grant_}, blob_), "");
  for (const std::string& grant : {std::string(64, '0'), std::string(), *key_.GrantFor({std::string(64, 'b'), 5})})
    EXPECT_NE(Refusal(MakeTicket(grant, blob_, AgentId("taker"), kNow + kTicketLife), blob_), "");
}

}  // namespace
}  // namespace cromt
