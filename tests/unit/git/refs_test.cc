#include "io/git/helper/refs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt::git {
namespace {

using ::testing::HasSubstr;

std::string Id(char digit) {
  return std::string(40, digit);
}

const std::vector<AdvertisedRef> kRefs = {
    {"HEAD", Id('1'), "refs/heads/main"},   {"refs/heads/main", Id('1'), ""},   {"refs/heads/dev", Id('2'), ""},
    {"refs/heads/v1", Id('3'), ""},         {"refs/tags/v1", Id('4'), ""},      {"refs/heads/same", Id('1'), ""},
    {"refs/tags/same", Id('5'), ""},        {"refs/tags/same^{}", Id('1'), ""}, {"refs/tags/t", Id('6'), ""},
    {"refs/heads/" + Id('a'), Id('7'), ""}, {"refs/pull/1/head", Id('8'), ""},
};

TEST(ChooseRef, NamesOfAllKinds) {
  EXPECT_EQ(ChooseRef("", kRefs, "U")->branch, "main");
  EXPECT_EQ(ChooseRef("", kRefs, "U")->id, Id('1'));
  EXPECT_EQ(ChooseRef("dev", kRefs, "U")->name, "refs/heads/dev");
  EXPECT_EQ(ChooseRef("dev", kRefs, "U")->branch, "dev");
  EXPECT_EQ(ChooseRef("t", kRefs, "U")->id, Id('6'));
  EXPECT_EQ(ChooseRef("t", kRefs, "U")->branch, "");
  EXPECT_EQ(ChooseRef("refs/heads/v1", kRefs, "U")->branch, "v1");
  EXPECT_EQ(ChooseRef("refs/tags/v1", kRefs, "U")->id, Id('4'));
  EXPECT_EQ(ChooseRef("refs/pull/1/head", kRefs, "U")->id, Id('8'));
  EXPECT_EQ(ChooseRef("same", kRefs, "U")->branch, "same") << "the tag names the same commit";
}

TEST(ChooseRef, ABranchThatLooksLikeACommitIsNeverChosenByThatName) {
  auto chosen = ChooseRef(Id('a'), kRefs, "U");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->id, Id('a'));
  EXPECT_EQ(chosen->name, "");
}

TEST(ChooseRef, ABranchAndATagOfOneName) {
  auto chosen = ChooseRef("v1", kRefs, "U");
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(chosen.error().message, "'v1' is both a branch and a tag of U: write refs/heads/v1 or refs/tags/v1");
}

TEST(ChooseRef, WhatIsNotThere) {
  EXPECT_EQ(ChooseRef("x", kRefs, "U").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(ChooseRef("x", kRefs, "U").error().message, HasSubstr("'x' is no branch or tag of U; it has branches"));
  EXPECT_THAT(ChooseRef("x", kRefs, "U").error().message,
              HasSubstr("'dev', 'main', 'same', 'v1'; tags 'same', 't', 'v1'"));
  EXPECT_THAT(ChooseRef("deadbee", kRefs, "U").error().message, HasSubstr("all its 40 digits"));
  EXPECT_EQ(ChooseRef("", {}, "U").error().message, "U is empty: it has no commits");
  EXPECT_THAT(ChooseRef("", {{"refs/heads/dev", Id('2'), ""}}, "U").error().message,
              HasSubstr("HEAD names no branch that exists; name one: branches 'dev'"));
}

TEST(ChooseRef, ThousandsOfBranchesAreNotAllNamed) {
  std::vector<AdvertisedRef> refs;
  for (int i = 0; i < 5000; ++i) refs.push_back({"refs/heads/b" + std::to_string(i), Id('1'), ""});
  auto message = ChooseRef("x", refs, "U").error().message;
  EXPECT_THAT(message, HasSubstr("and 4990 more"));
  EXPECT_LT(message.size(), 300u);
}

// A remote may call its default branch anything; such a name would reach job environments.
TEST(ChooseRef, AnOddNameOfARemotesBranchIsLeftOut) {
  auto chosen = ChooseRef("", {{"HEAD", Id('1'), "refs/heads/-rf\n$(x)"}}, "U");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->branch, "");
}

}  // namespace
}  // namespace cromt::git
