// Who becomes a member, who is let in, and what is written down of it.
#include "coordinator/access/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "coordinator/access/token.h"
#include "io/sqlite/database.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;

class SetClock final : public Clock {
 public:
  Now Read() const override { return {MonoFromMicros(1), now}; }
  Wall now = WallFromMicros(1'800'000'000'000'000);
};

class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    std::string name = testing::TempDir() + "access-XXXXXX";
    place_ = ::mkdtemp(name.data());
    auto founded = Access::Found(folder(), MeshId("mesh1"), clock_, random_);
    EXPECT_TRUE(founded) << founded.error().message;
    admin_ = founded->admin_token;
    Reopen();
  }
  ~AccessTest() override { std::filesystem::remove_all(place_); }
  std::string folder() const { return place_ + "/access"; }
  void Reopen() {
    access_.reset();
    auto access = Access::Open(folder(), clock_);
    ASSERT_TRUE(access) << access.error().message;
    access_ = std::move(*access);
  }
  Result<Membership> Join(const std::string& token, const std::string& name) {
    return access_->Join({token, name, *pki::NewRequest(*pki::NewKey())});
  }
  Result<Membership> InviteAndJoin(const std::string& name) {
    CROMT_ASSIGN(const InvitedAgent invited, access_->Invite(name, "", seconds(3600)));
    return Join(invited.token, name);
  }
  Result<Principal> Identify(const std::string& token) { return access_->Identify({std::nullopt, token}); }
  Result<Principal> IdentifyBy(const std::string& certificate) {
    return access_->Identify({*pki::ReadCertificate(certificate), ""});
  }

  std::string place_;
  SetClock clock_;
  SeededRandom random_{7};
  std::string admin_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, WithoutAFolderItIsLocalMode) {
  auto none = Access::Open(place_ + "/other", clock_);
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, nullptr);
}

TEST_F(AccessTest, AMeshIsFoundedOnceAndForItsOwnerAlone) {
  EXPECT_EQ(Access::Found(folder(), MeshId("mesh1"), clock_, random_).error().code, ErrorCode::kConflict);
  for (const char* name : {"/ca.key", "/identity.pem", "/access.db"}) {
    struct stat info {};
    ASSERT_EQ(::stat((folder() + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(AccessTest, WhatIsMissingOrDamagedEndsTheStart) {
  access_.reset();
  for (const char* name : {"/ca.key", "/ca.pem", "/identity.pem", "/access.db"}) {
    const std::string path = folder() + name;
    std::filesystem::rename(path, path + ".away");
    EXPECT_FALSE(Access::Open(folder(), clock_)) << name << " is missing";
    std::ofstream(path) << "rubbish";
    ::chmod(path.c_str(), 0600);
    EXPECT_FALSE(Access::Open(folder(), clock_)) << name << " is damaged";
    std::filesystem::remove(path);
    std::filesystem::rename(path + ".away", path);
  }
  ::chmod((folder() + "/ca.key").c_str(), 0640);
  EXPECT_FALSE(Access::Open(folder(), clock_));
}

TEST_F(AccessTest, TwoMeshesShareNothing) {
  auto other = Access::Found(place_ + "/second", MeshId("mesh2"), clock_, random_);
  ASSERT_TRUE(other);
  EXPECT_FALSE(Identify(other->admin_token));
  EXPECT_NE(other->fingerprint, access_->fingerprint());
}

TEST_F(AccessTest, ATokenSaysWhoSomebodyIs) {
  auto admin = Identify(admin_);
  ASSERT_TRUE(admin);
  EXPECT_EQ(admin->name, "admin");
  EXPECT_EQ(admin->role, Role::kAdmin);
  for (const std::string& wrong : {std::string(), admin_.substr(0, admin_.size() - 1), admin_ + "a",
                                   std::string("cromt_user_") + std::string(32, 'a'), TokenHash(admin_)}) {
    auto who = Identify(wrong);
    ASSERT_FALSE(who) << wrong;
    EXPECT_EQ(who.error().code, ErrorCode::kDenied);
  }
}

TEST_F(AccessTest, NoTokenLiesOnTheDisk) {
  auto invited = access_->Invite("h1", "", seconds(3600));
  auto made = access_->MakeToken("admin", std::nullopt);
  access_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    for (const std::string& token : {admin_, invited->token, made->token})
      EXPECT_EQ(text.find(token), std::string::npos) << entry.path();
  }
}

TEST_F(AccessTest, TokensExpireAndAreTakenBack) {
  auto made = access_->MakeToken("admin", seconds(60));
  ASSERT_TRUE(made);
  EXPECT_TRUE(Identify(made->token));
  clock_.now += seconds(60);
  EXPECT_FALSE(Identify(made->token));
  EXPECT_FALSE(access_->MakeToken("nobody", std::nullopt));
  auto other = access_->MakeToken("admin", std::nullopt);
  EXPECT_TRUE(access_->RemoveToken(other->kept.id));
  EXPECT_FALSE(Identify(other->token));
  Reopen();
  EXPECT_FALSE(Identify(other->token));
  EXPECT_TRUE(Identify(admin_));
}

TEST_F(AccessTest, SomebodyIsAlwaysLeftWhoMayManage) {
  EXPECT_EQ(access_->RemoveUser("admin").error().code, ErrorCode::kConflict);
  EXPECT_FALSE(access_->PutUser({"admin", Role::kViewer, true, {}}));
  EXPECT_FALSE(access_->PutUser({"admin", Role::kAdmin, false, {"p"}}));
  EXPECT_TRUE(access_->PutUser({"ann", Role::kAdmin, true, {}}));
  EXPECT_TRUE(access_->RemoveUser("admin"));
  EXPECT_FALSE(Identify(admin_));
  EXPECT_FALSE(access_->RemoveUser("ann"));
  EXPECT_FALSE(access_->PutUser({"a/b", Role::kViewer, true, {}}));
}

TEST_F(AccessTest, AnInvitationMakesAMember) {
  auto membership = InviteAndJoin("h1");
  ASSERT_TRUE(membership) << membership.error().message;
  auto certificate = pki::ReadCertificate(membership->certificate);
  EXPECT_EQ(certificate->identity, (Identity{MeshId("mesh1"), PeerKind::kAgent, "h1", false}));
  EXPECT_EQ(*access_->AgentAt("h1:4000"), "h1");
  EXPECT_TRUE(access_->IsMember("h1"));
  auto principal = IdentifyBy(membership->certificate);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->role, Role::kNone);
  Reopen();
  EXPECT_EQ(*access_->AgentAt("h1:4000"), "h1");
}

TEST_F(AccessTest, AnInvitationIsGoodOnceForItsHostAndItsTime) {
  auto invited = access_->Invite("h1", "h1.example:4100", seconds(3600));
  ASSERT_TRUE(invited);
  for (const char* other : {"h10", "h", "H1", "*", ""}) {
    auto refused = Join(invited->token, other);
    ASSERT_FALSE(refused) << other;
    EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  }
  EXPECT_FALSE(Join(invited->token.substr(0, 30), "h1"));
  EXPECT_FALSE(Join(admin_, "h1"));
  EXPECT_FALSE(Identify(invited->token));  // it opens nothing else
  ASSERT_TRUE(Join(invited->token, "h1"));
  EXPECT_FALSE(Join(invited->token, "h1"));
  auto late = access_->Invite("h2", "", seconds(60));
  clock_.now += seconds(60);
  EXPECT_FALSE(Join(late->token, "h2"));
  EXPECT_FALSE(access_->IsMember("h2"));
}

TEST_F(AccessTest, ARefusedRequestLeavesTheInvitationGood) {
  auto invited = access_->Invite("h1", "", seconds(3600));
  EXPECT_FALSE(access_->Join({invited->token, "h1", "rubbish"}));
  EXPECT_TRUE(Join(invited->token, "h1"));
}

TEST_F(AccessTest, AMembersNameAndAddressAreItsOwn) {
  ASSERT_TRUE(InviteAndJoin("h1"));
  EXPECT_THAT(access_->Invite("h1", "", seconds(60)).error().message, HasSubstr("agents remove h1"));
  EXPECT_FALSE(access_->Invite("h2", "h1:4000", seconds(60)));
  EXPECT_FALSE(access_->AgentAt("h10:4000"));
  EXPECT_FALSE(access_->AgentAt("h1.example:4000"));
  EXPECT_FALSE(access_->Invite("a/b", "", seconds(60)));
}

TEST_F(AccessTest, WhoIsRemovedIsOutWithAllItsCertificates) {
  auto first = InviteAndJoin("h1");
  auto second = access_->Renew(*pki::ReadCertificate(first->certificate), *pki::NewRequest(*pki::NewKey()));
  ASSERT_TRUE(second);
  std::vector<std::string> revoked;
  access_->OnRevoked([&](const std::vector<std::string>& serials) { revoked = serials; });
  ASSERT_TRUE(access_->Remove("h1"));
  EXPECT_THAT(revoked, testing::UnorderedElementsAre(pki::ReadCertificate(first->certificate)->serial,
                                                     pki::ReadCertificate(second->certificate)->serial));
  EXPECT_FALSE(IdentifyBy(first->certificate));
  EXPECT_FALSE(access_->Renew(*pki::ReadCertificate(second->certificate), *pki::NewRequest(*pki::NewKey())));
  EXPECT_FALSE(access_->AgentAt("h1:4000"));
  EXPECT_FALSE(access_->Readmit("h1"));
  EXPECT_FALSE(access_->Remove("h1"));
  Reopen();
  EXPECT_FALSE(IdentifyBy(second->certificate));
  auto again = InviteAndJoin("h1");  // a new key, a new member
  ASSERT_TRUE(again);
  EXPECT_TRUE(IdentifyBy(again->certificate));
  EXPECT_FALSE(IdentifyBy(second->certificate));
}

TEST_F(AccessTest, AnExpiredKeyIsReadmittedByAPersonOnly) {
  const std::string key = *pki::NewKey();
  auto invited = access_->Invite("h1", "", seconds(3600));
  ASSERT_TRUE(access_->Join({invited->token, "h1", *pki::NewRequest(key)}));
  clock_.now += pki::kLifetime + seconds(1);
  EXPECT_THAT(access_->Renew(std::nullopt, *pki::NewRequest(key)).error().message, HasSubstr("agents readmit"));
  ASSERT_TRUE(access_->Readmit("h1"));
  EXPECT_FALSE(access_->Renew(std::nullopt, *pki::NewRequest(*pki::NewKey())));  // of somebody else's key
  auto renewed = access_->Renew(std::nullopt, *pki::NewRequest(key));
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_FALSE(access_->Renew(std::nullopt, *pki::NewRequest(key)));  // once
  clock_.now += pki::kLifetime;
  ASSERT_TRUE(access_->Readmit("h1"));
  clock_.now += std::chrono::hours(25);
  EXPECT_FALSE(access_->Renew(std::nullopt, *pki::NewRequest(key)));
}

TEST_F(AccessTest, TheCoordinatorsOwnCertificateIsRenewed) {
  auto read = [&] {
    std::ifstream file(access_->identity_file());
    return *pki::ReadCertificate(std::string((std::istreambuf_iterator<char>(file)), {}));
  };
  const std::string serial = read().serial;
  ASSERT_TRUE(access_->RenewOwn());
  EXPECT_EQ(read().serial, serial);
  clock_.now += pki::kLifetime * 7 / 10;
  ASSERT_TRUE(access_->RenewOwn());
  EXPECT_NE(read().serial, serial);
  EXPECT_EQ(read().identity.kind, PeerKind::kCoordinator);
}

TEST_F(AccessTest, AJoinWhoseAnswerGotLostIsAskedAgain) {
  const std::string key = *pki::NewKey();
  auto invited = access_->Invite("h1", "", seconds(3600));
  auto lost = access_->Join({invited->token, "h1", *pki::NewRequest(key)});
  ASSERT_TRUE(lost);
  EXPECT_FALSE(Join(invited->token, "h1"));  // by another key
  auto again = access_->Join({invited->token, "h1", *pki::NewRequest(key)});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(IdentifyBy(again->certificate));
  ASSERT_TRUE(access_->Remove("h1"));
  EXPECT_FALSE(IdentifyBy(lost->certificate));
  EXPECT_FALSE(access_->Join({invited->token, "h1", *pki::NewRequest(key)}));
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

TEST_F(AccessTest, OneAuthorityFollowsAnother) {
  auto first = InviteAndJoin("h1");
  ASSERT_TRUE(InviteAndJoin("h2"));
  const std::string old = access_->fingerprint();
  EXPECT_EQ(access_->RetireAuthority(true).error().code, ErrorCode::kConflict);
  const uint64_t version = access_->trust()->version;
  ASSERT_TRUE(access_->RotateAuthority());
  EXPECT_GT(access_->trust()->version, version);
  ASSERT_EQ(access_->trust()->authorities.size(), 2u);
  EXPECT_NE(access_->trust()->authorities[0], old);
  EXPECT_EQ(access_->trust()->authorities[1], old);
  EXPECT_EQ(access_->RotateAuthority().error().code, ErrorCode::kConflict);
  EXPECT_EQ(access_->fingerprint(), old) << "others go on recognising the mesh by the one they know";
  EXPECT_THAT(access_->Authorities().behind, testing::ElementsAre("h1", "h2"));
  EXPECT_THAT(access_->RetireAuthority(false).error().message, HasSubstr("h1 and 1 others have no certificate"));

  auto renewed = access_->Renew(*pki::ReadCertificate(first->certificate), *pki::NewRequest(*pki::NewKey()));
  ASSERT_TRUE(renewed);
  const auto believed = pki::ReadAuthorities(renewed->authorities);
  ASSERT_EQ(believed->size(), 2u);
  EXPECT_TRUE(pki::IsIssuedBy(renewed->certificate, (*believed)[0].pem));
  EXPECT_TRUE(pki::IsIssuedBy(first->certificate, (*believed)[1].pem));
  EXPECT_EQ(pki::Fingerprints(Contents(access_->identity_file()))->size(), 3u) << "it shows both to whoever calls";
  EXPECT_THAT(access_->Authorities().behind, testing::ElementsAre("h2"));
  Reopen();
  EXPECT_EQ(access_->fingerprint(), old);
  EXPECT_THAT(access_->Authorities().behind, testing::ElementsAre("h2"));
  ASSERT_TRUE(access_->Remove("h2"));

  ASSERT_TRUE(access_->RetireAuthority(false));
  ASSERT_EQ(access_->trust()->authorities.size(), 1u);
  EXPECT_EQ(access_->fingerprint(), (*believed)[0].fingerprint);
  EXPECT_EQ(Contents(access_->authorities_file()), (*believed)[0].pem);
  EXPECT_TRUE(pki::IsIssuedBy(Contents(access_->identity_file()), (*believed)[0].pem));
  Reopen();
  EXPECT_EQ(access_->fingerprint(), (*believed)[0].fingerprint);
}

// Also not on a connection that was opened before, which would last.
TEST_F(AccessTest, WhoIsLeftOutIsNoMemberAnyMore) {
  ASSERT_TRUE(InviteAndJoin("h1"));
  ASSERT_TRUE(access_->RotateAuthority());
  ASSERT_TRUE(InviteAndJoin("h2"));
  EXPECT_TRUE(access_->IsMember("h1"));
  ASSERT_TRUE(access_->RetireAuthority(true));
  EXPECT_FALSE(access_->IsMember("h1"));
  EXPECT_TRUE(access_->IsMember("h2"));
  Reopen();
  EXPECT_FALSE(access_->IsMember("h1"));
}

TEST_F(AccessTest, AChangeOfAuthorityThatWasCutShortIsGoneOnWith) {
  const std::string old = access_->fingerprint();
  std::map<std::string, std::string> before;
  for (const char* name : {"/ca.pem", "/identity.pem"}) before[name] = Contents(folder() + name);
  const auto put_back = [&] {
    access_.reset();
    for (const auto& [name, text] : before) std::ofstream(folder() + name) << text;
    Reopen();
  };
  ASSERT_TRUE(access_->RotateAuthority());
  put_back();  // only what decides was written
  EXPECT_EQ(access_->fingerprint(), old);
  EXPECT_EQ(pki::ReadAuthorities(Contents(access_->authorities_file()))->size(), 2u);
  EXPECT_EQ(pki::Fingerprints(Contents(access_->identity_file()))->size(), 3u);
  ASSERT_TRUE(access_->RetireAuthority(true));
  put_back();
  EXPECT_NE(access_->fingerprint(), old);
  EXPECT_EQ(pki::ReadAuthorities(Contents(access_->authorities_file()))->size(), 1u);
  EXPECT_EQ(pki::Fingerprints(Contents(access_->identity_file()))->size(), 2u);
}

TEST_F(AccessTest, ProgramsOfAUserHaveCertificates) {
  ASSERT_TRUE(access_->PutUser({"ann", Role::kAdmin, true, {}}));
  auto made = access_->CertifyUser("ann", true, *pki::NewRequest(*pki::NewKey()), seconds(3600));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(pki::ReadCertificate(made->certificate)->identity,
            (Identity{MeshId("mesh1"), PeerKind::kUser, "ann", true}));
  EXPECT_EQ(IdentifyBy(made->certificate)->role, Role::kAdmin);
  EXPECT_FALSE(access_->CertifyUser("bob", false, *pki::NewRequest(*pki::NewKey()), seconds(3600)));
  std::vector<std::string> revoked;
  access_->OnRevoked([&](const std::vector<std::string>& serials) { revoked = serials; });
  ASSERT_TRUE(access_->PutUser({"ann", Role::kAdmin, true, {}}));
  EXPECT_TRUE(IdentifyBy(made->certificate));
  ASSERT_TRUE(access_->PutUser({"ann", Role::kOperator, true, {}}));  // agents would go on taking his jobs
  EXPECT_THAT(revoked, testing::ElementsAre(pki::ReadCertificate(made->certificate)->serial));
  EXPECT_FALSE(IdentifyBy(made->certificate));
  EXPECT_EQ(access_->CertifyUser("ann", true, *pki::NewRequest(*pki::NewKey()), seconds(3600)).error().code,
            ErrorCode::kDenied);
  auto next = access_->CertifyUser("ann", false, *pki::NewRequest(*pki::NewKey()), seconds(3600));
  EXPECT_TRUE(IdentifyBy(next->certificate));
  ASSERT_TRUE(access_->RevokeUser("ann"));
  EXPECT_FALSE(IdentifyBy(next->certificate));
  auto last = access_->CertifyUser("ann", false, *pki::NewRequest(*pki::NewKey()), seconds(3600));
  ASSERT_TRUE(access_->RemoveUser("ann"));
  EXPECT_EQ(revoked.size(), 3u);
  EXPECT_FALSE(IdentifyBy(last->certificate));
}

TEST_F(AccessTest, TheAuditLogIsAChain) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(access_->Record("ann", "start", "p" + std::to_string(i)));
  EXPECT_EQ(*access_->VerifyAudit(), 6);  // with the founding
  EXPECT_EQ(access_->Audit(2)->back().subject, "p4");
  access_.reset();
  auto damaged = [&](const std::string& sql) {
    const std::string path = folder() + "/access.db";
    std::filesystem::copy_file(path, path + ".good");
    {
      auto db = sqlite::Database::Open(path, sqlite::Database::Mode::kReadWrite);
      EXPECT_TRUE(db->Execute(sql));
    }
    Reopen();
    auto verified = access_->VerifyAudit();
    access_.reset();
    std::filesystem::rename(path + ".good", path);
    return verified ? std::string() : verified.error().message;
  };
  EXPECT_THAT(damaged("UPDATE audit SET who = 'bob' WHERE n = 3"), HasSubstr("line 3 of the audit log was changed"));
  EXPECT_THAT(damaged("DELETE FROM audit WHERE n = 4"), HasSubstr("line 4 of the audit log is missing"));
  EXPECT_THAT(damaged("DELETE FROM audit WHERE n = 6"), HasSubstr("lines at the end of the audit log are missing"));
  EXPECT_EQ(damaged("SELECT 1"), "");
}

TEST_F(AccessTest, TheLogIsVerifiedWhileItGrows) {
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    while (!enough) EXPECT_TRUE(access_->Record("ann", "start", "p"));
  });
  int64_t seen = 0;
  for (int i = 0; i < 50; ++i) {
    auto lines = access_->VerifyAudit();
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_GE(*lines, seen);
    seen = *lines;
    EXPECT_TRUE(Identify(admin_));
  }
  enough = true;
  writer.join();
  EXPECT_GT(*access_->VerifyAudit(), 1);
}

}  // namespace
}  // namespace cromt
