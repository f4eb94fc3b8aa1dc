// What goes into a debug bundle, and what is hidden in it.
#include "io/diagnosis/diagnosis.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

using Json = nlohmann::ordered_json;

TEST(HiderTest, HidesSecretsInAllFormsWhereverTheyStand) {
  const Hider hider({"hunter22/with+odd=letters", "swordfish"});
  Json json = {{"a", {"x hunter22/with+odd=letters y", 7, nullptr, true}},
               {"swordfish", {{"deep", "aHVudGVyMjIvd2l0aCtvZGQ9bGV0dGVycw=="}}},
               {"url", "q=hunter22%2Fwith%2Bodd%3Dletters"}};
  hider.HideIn(json);
  EXPECT_EQ(json["a"][0], "x *** y");
  EXPECT_EQ(json["a"][1], 7);
  EXPECT_EQ(json["url"], "q=***");
  EXPECT_TRUE(json.contains("***"));
  EXPECT_EQ(json.dump().find("aHVudGVy"), std::string::npos);
}

// As JSON it would stand there in other letters, so it is hidden before.
TEST(HiderTest, ASecretThatJsonWritesOtherwiseIsHiddenToo) {
  const Hider hider({"a\"quoted\\word"});
  Json json = {{"a", "say a\"quoted\\word now"}};
  hider.HideIn(json);
  EXPECT_EQ(DumpJson(json), "{\n \"a\": \"say *** now\"\n}\n");
}

TEST(HiderTest, LoginsOfUrlsAreHidden) {
  const Hider hider({});
  EXPECT_EQ(hider.Hide("can't fetch https://me:word@host/r.git: no"), "can't fetch https://***@host/r.git: no");
  EXPECT_EQ(hider.Hide("https://a@b@host and ssh://git@h"), "https://***@host and ssh://***@h");
  EXPECT_EQ(hider.Hide("https://host/path@v1"), "https://host/path@v1");
  EXPECT_EQ(hider.Hide("ends with ://"), "ends with ://");
  EXPECT_EQ(hider.Hide(""), "");
}

TEST(ForeignJsonTest, CantBeTooDeepForWhoeverWalksThroughIt) {
  EXPECT_FALSE(ReadForeignJson("{\"a\": "));
  EXPECT_FALSE(ReadForeignJson(""));
  const size_t deep = 1'000'000;
  auto read = ReadForeignJson("{\"a\": " + std::string(deep, '[') + std::string(deep, ']') + ", \"b\": \"swordfish\"}");
  ASSERT_TRUE(read);
  Hider({"swordfish"}).HideIn(*read);
  EXPECT_EQ((*read)["b"], "***");
  EXPECT_LT(read->dump().size(), 100u);
}

TEST(EventsJsonTest, SaysOnlyWhatThereIs) {
  EventRing ring;
  ring.Add(WallFromMicros(0), {.kind = "k"});
  ring.Add(WallFromMicros(1), {.kind = "task.changed",
                               .state = "lost",
                               .of = "r",
                               .task = 2,
                               .attempt = 1,
                               .agent = "g",
                               .reason = "why \xff"});
  EXPECT_EQ(EventsJson(ring)["events"][0].dump(), R"({"at":"1970-01-01T00:00:00.000000Z","kind":"k"})");
  const Json all = Json::parse(DumpJson(EventsJson(ring)));
  EXPECT_EQ(all["seen"], 2);
  EXPECT_EQ(all["events"][1]["task"], 2);
  EXPECT_EQ(all["events"][1]["reason"], "why \xef\xbf\xbd");
}

}  // namespace
}  // namespace cromt
