// What somebody who calls at /hooks/PROJECT learns, and what the operator does.
#include "coordinator/http/hooks.h"

#include <gmock/gmock.h>

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kBody[] = R"({"ref": "refs/heads/main", "after": "bffeb74224043ba2feb48d137756c8a9331c449a"})";

class HooksTest : public testing::Test {
 protected:
  http::Response Call(const std::string& project, const std::string& token, const std::string& place = "10.0.0.1",
                      const std::string& body = kBody) {
    http::Request request;
    request.place = place;
    request.body = body;
    if (!token.empty()) request.headers = {{"x-gitlab-token", token}};
    return hooks_.Answer(request, {project});
  }

  Result<std::string> comes_ = "it will be run";
  std::vector<std::string> pushed_;
  std::vector<std::string> refused_;
  Hooks hooks_{{.secret = [](const std::string& project) -> Result<std::string> {
                  if (project == "p") return "12345678";
                  return Fail(ErrorCode::kNotFound, "there is no project '" + project + "'");
                },
                .pushed =
                    [this](const std::string& project, const std::string& ref, const std::string& commit) {
                      pushed_.push_back(project + " " + ref + " " + commit);
                      return comes_;
                    },
                .refused = [this](const std::string& place, const std::string& project,
                                  const std::string& why) { refused_.push_back(place + " " + project + ": " + why); }}};
};

TEST_F(HooksTest, WhoHasTheSecretIsBelieved) {
  const http::Response response = Call("p", "12345678");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body,
            R"({"commit":"bffeb74224043ba2feb48d137756c8a9331c449a","message":"it will be run","project":"p",)"
            R"("ref":"refs/heads/main"})"
            "\n");
  EXPECT_THAT(pushed_, ElementsAre("p refs/heads/main bffeb74224043ba2feb48d137756c8a9331c449a"));
  EXPECT_THAT(refused_, SizeIs(0));
}

TEST_F(HooksTest, ToOthersAllProjectsAreAlike) {
  const http::Response wrong = Call("p", "12345679");
  EXPECT_EQ(wrong.status, 401);
  for (const auto& [project, token] : std::vector<std::pair<std::string, std::string>>{
           {"p", ""}, {"q", "12345678"}, {"q", ""}, {"../p", "12345678"}, {"q", "of no project"}}) {
    const http::Response response = Call(project, token, "10.0.0.2");
    EXPECT_EQ(response.status, 401) << project;
    EXPECT_EQ(response.body, wrong.body);
    EXPECT_EQ(response.headers, wrong.headers);
  }
  EXPECT_THAT(pushed_, SizeIs(0));
  // Each place is told of once a second.
  EXPECT_THAT(refused_, ElementsAre("10.0.0.1 p: its X-Gitlab-Token is not this project's secret",
                                    "10.0.0.2 p: it has no signature that is known here"));
}

TEST_F(HooksTest, WhoGuessesMustWaitAndOthersNeedNot) {
  for (int i = 0; i < Failures::kMost; ++i) EXPECT_EQ(Call("p", "guess " + std::to_string(i)).status, 401);
  EXPECT_EQ(Call("p", "12345678").status, 429) << "it is not looked at";
  EXPECT_EQ(Call("q", "12345678").status, 429);
  EXPECT_EQ(Call("p", "12345678", "10.0.0.2").status, 202);
  for (int i = 0; i <= Failures::kMost; ++i) Call("p", "guess", "10.0.0.2");
  EXPECT_EQ(Call("p", "12345678", "10.0.0.2").status, 202) << "it was good there before";
}

TEST_F(HooksTest, WhatDoesNotCome) {
  EXPECT_EQ(Call("p", "12345678", "x", "{}").status, 400);
  const http::Response nothing =
      Call("p", "12345678", "x", R"({"ref": "refs/heads/x", "after": "0000000000000000000000000000000000000000"})");
  EXPECT_EQ(nothing.status, 200);
  EXPECT_THAT(nothing.body, HasSubstr("deleted"));
  for (const ErrorCode code :
       {ErrorCode::kExhausted, ErrorCode::kUnavailable, ErrorCode::kTimeout, ErrorCode::kInternal}) {
    comes_ = Fail(code, "not \"now\"");
    const http::Response later = Call("p", "12345678");
    EXPECT_EQ(later.status, 503);
    EXPECT_EQ(later.body, "{\"error\":\"not \\\"now\\\"\"}\n");
  }
}

}  // namespace
}  // namespace cromt
