// Who signed a web hook, and what it says.
#include "coordinator/http/hook.h"

#include <gmock/gmock.h>

namespace cromt {
namespace {

using ::testing::HasSubstr;

// As GitHub's documentation has it.
constexpr char kSecret[] = "It's a Secret to Everybody";
constexpr char kBody[] = "Hello, World!";
constexpr char kMac[] = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
// As the specification of Standard Webhooks has it.
constexpr char kStandardSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kStandardBody[] = "{\"test\": 2432232314}";
constexpr char kStandardSignature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr Wall kStandardTime = Wall(seconds(1614265330));

http::Request Asked(http::Headers headers, std::string body = kBody) {
  http::Request request;
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

bool Good(http::Headers headers, std::string body = kBody, std::string_view secret = kSecret, Wall now = {}) {
  return CheckHookSignature(Asked(std::move(headers), std::move(body)), secret, now).has_value();
}

TEST(HookSignatureTest, EachForgesForm) {
  const std::string mac = kMac;
  EXPECT_TRUE(Good({{"x-hub-signature-256", "sha256=" + mac}}));
  for (const char* name : {"x-gitea-signature", "x-forgejo-signature", "x-gogs-signature"})
    EXPECT_TRUE(Good({{name, mac}})) << name;
  EXPECT_TRUE(Good({{"x-hub-signature-256", "sha256=" + mac}, {"x-gitea-signature", mac}, {"x-gogs-signature", mac}}));
  EXPECT_TRUE(Good({{"x-gitlab-token", kSecret}}, "anything"));
}

TEST(HookSignatureTest, WhatIsNoSignature) {
  const std::string mac = kMac, hub = "sha256=" + mac;
  EXPECT_FALSE(Good({}));
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}}, "Hello, World?"));
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}}, kBody, "another secret"));
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}}, kBody, ""));
  for (const std::string& wrong : {mac, std::string("sha256="), std::string(), "sha1=" + mac, hub.substr(0, 70),
                                   hub + "0", hub + " ", "SHA256=" + mac})
    EXPECT_FALSE(Good({{"x-hub-signature-256", wrong}})) << wrong;
  EXPECT_FALSE(Good({{"x-gitea-signature", hub}}));
  EXPECT_FALSE(Good({{"x-hub-signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}})) << "SHA-1 is none";
  EXPECT_FALSE(Good({{"x-gitlab-token", ""}}));
  EXPECT_FALSE(Good({{"x-gitlab-token", "It's a Secret to Everybod"}}));
}

TEST(HookSignatureTest, ABadOneIsNotMadeUpForByAGoodOne) {
  const std::string mac = kMac, hub = "sha256=" + mac, zeros(64, '0');
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}, {"x-gitea-signature", zeros}}));
  EXPECT_FALSE(Good({{"x-hub-signature-256", "sha256=" + zeros}, {"x-gitlab-token", kSecret}}));
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}, {"x-hub-signature-256", hub}})) << "nobody can say which";
  EXPECT_FALSE(Good({{"x-gitlab-token", kSecret}, {"x-gitlab-token", kSecret}}));
  EXPECT_FALSE(Good({{"x-hub-signature-256", hub}, {"webhook-signature", "v1,AAAA"}}));
  // GitLab sends both where both are set, and only the signature is ours then.
  EXPECT_TRUE(Good({{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                    {"webhook-timestamp", "1614265330"},
                    {"webhook-signature", kStandardSignature},
                    {"x-gitlab-token", "something else"}},
                   kStandardBody, kStandardSecret, kStandardTime));
}

class StandardHookTest : public testing::Test {
 protected:
  http::Headers Headers() const {
    return {{"webhook-id", id_}, {"webhook-timestamp", timestamp_}, {"webhook-signature", signature_}};
  }
  Status Checked(Wall now = kStandardTime, std::string body = kStandardBody) const {
    return CheckHookSignature(Asked(Headers(), std::move(body)), kStandardSecret, now);
  }
  std::string id_ = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  std::string timestamp_ = "1614265330";
  std::string signature_ = kStandardSignature;
};

TEST_F(StandardHookTest, AsItsSpecificationSays) {
  EXPECT_TRUE(Checked()) << Checked().error().message;
  signature_ = std::string("v1,Zm9v ") + kStandardSignature + " v2,xyz";
  EXPECT_TRUE(Checked()) << "one of several";
}

TEST_F(StandardHookTest, PlayedAgainItIsTooOld) {
  EXPECT_TRUE(Checked(kStandardTime + kHookAge));
  EXPECT_TRUE(Checked(kStandardTime - kHookAge));
  for (const Wall now : {kStandardTime + kHookAge + seconds(1), kStandardTime - kHookAge - seconds(1), Wall{}}) {
    const Status checked = Checked(now);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("webhook-timestamp"));
  }
}

TEST_F(StandardHookTest, WhatIsChangedIsNotSigned) {
  EXPECT_FALSE(Checked(kStandardTime, "{\"test\": 2432232315}"));
  for (std::string* part : {&id_, &timestamp_, &signature_}) {
    const std::string good = *part;
    for (const std::string& wrong : {std::string(), good + "0", good.substr(1), good + good})
      EXPECT_FALSE((*part = wrong, Checked())) << wrong;
    *part = good;
  }
  EXPECT_TRUE(Checked());
}

// ---- What it says -------------------------------------------------------------------------------

constexpr char kCommit[] = "bffeb74224043ba2feb48d137756c8a9331c449a";

Result<HookEvent> Read(const std::string& body, http::Headers headers = {}) {
  return ReadHook(Asked(std::move(headers), body));
}
std::string PushOf(const std::string& ref, const std::string& after) {
  return "{\"ref\": \"" + ref + "\", \"before\": \"28e1879d029cb852e4844d9c718537df08844e03\", \"after\": \"" + after +
         "\", \"commits\": [{\"id\": \"x\", \"after\": \"no\", \"ref\": [1, {}]}], \"repository\": {\"ref\": "
         "\"refs/no\"}, \"n\": 1e3}";
}

TEST(HookEventTest, APush) {
  for (const char* name : {"x-github-event", "x-gitea-event", "x-gogs-event", "x-forgejo-event", "none"}) {
    const auto event = Read(PushOf("refs/heads/main", kCommit), {{name, "push"}});
    ASSERT_TRUE(event) << event.error().message;
    ASSERT_TRUE(event->push);
    EXPECT_EQ(event->push->ref, "refs/heads/main");
    EXPECT_EQ(event->push->commit, kCommit);
  }
  EXPECT_TRUE(Read(PushOf("refs/heads/main", kCommit), {{"x-gitlab-event", "Push Hook"}})->push);
  EXPECT_TRUE(Read(PushOf("refs/tags/v1", kCommit), {{"x-gitlab-event", "Tag Push Hook"}})->push);
  EXPECT_TRUE(Read(PushOf("refs/heads/é/x", std::string(64, 'a')))->push) << "SHA-256";
}

TEST(HookEventTest, WhatIsNone) {
  EXPECT_THAT(Read("{\"zen\": \"x\"}", {{"x-github-event", "ping"}})->why_not, HasSubstr("pong"));
  for (const char* other : {"pull_request", "Job Hook", "create", "PUSH"})
    EXPECT_FALSE(Read(PushOf("refs/heads/main", kCommit), {{"x-github-event", other}})->push) << other;
  const auto deleted = Read(PushOf("refs/heads/main", std::string(40, '0')));
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(deleted->push);
  EXPECT_THAT(deleted->why_not, HasSubstr("deleted"));
}

TEST(HookEventTest, WhatCannotBeUnderstood) {
  for (const std::string& body :
       {std::string(), std::string("payload=%7B%7D"), std::string("[]"), std::string("{"), std::string("{}"),
        std::string("\"ref\""), PushOf("main", kCommit), PushOf("refs/heads/main", "main"),
        PushOf("refs/heads/main", "BFFEB74224043BA2FEB48D137756C8A9331C449A"), PushOf("refs/heads/\\u0000", kCommit),
        PushOf("refs/heads/\\u001b[2J", kCommit), PushOf("refs/heads/\xff", kCommit),
        PushOf("refs/heads/" + std::string(2000, 'x'), kCommit),
        std::string("{\"ref\": [\"refs/heads/main\"], \"after\": 1}"),
        std::string("{\"x\": {\"ref\": \"refs/heads/main\", \"after\": \"") + kCommit + "\"}}",
        std::string(500'000, '['), "{\"a\":" + std::string(500'000, '[')}) {
    const auto event = Read(body);
    ASSERT_FALSE(event) << body.substr(0, 200);
    EXPECT_EQ(event.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace cromt
