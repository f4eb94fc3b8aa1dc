#include "io/http_server/routes.h"

#include <gmock/gmock.h>

namespace cromt::http {
namespace {

using ::testing::ElementsAre;

Routed Found(const std::string& method, const std::string& path) {
  static const std::vector<Route> routes = {
      {"GET", "/healthz", false, {}}, {"POST", "/hooks/{project}", false, {}}, {"GET", "/a/{x}/b/{y}", false, {}}};
  Request request;
  request.method = method;
  request.path = path;
  return Find(routes, request);
}

TEST(RoutesTest, APathFitsAsAWhole) {
  EXPECT_NE(Found("GET", "/healthz").route, nullptr);
  EXPECT_NE(Found("HEAD", "/healthz").route, nullptr);
  EXPECT_THAT(Found("POST", "/hooks/foo").parts, ElementsAre("foo"));
  EXPECT_THAT(Found("GET", "/a/1/b/%20%C3%A9").parts, ElementsAre("1", " é"));
  EXPECT_THAT(Found("POST", "/hooks/a%2fb").parts, ElementsAre("a/b")) << "one part, whatever it means";
  for (const char* path : {"/", "/healthz/", "/Healthz", "//healthz", "/healthz/x", "/hooks", "/hooks/", "/hooks/a/b",
                           "/hooks/%00", "/hooks/%", "/hooks/%0a", "/hooks/%zz", "/a//b/2", "/hooks/../healthz", ""})
    EXPECT_EQ(Found("POST", path).refusal.status, 404) << path;
}

TEST(RoutesTest, AnotherMethodIsToldWhichThereAre) {
  const Routed found = Found("DELETE", "/healthz");
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.refusal.status, 405);
  EXPECT_THAT(found.refusal.headers, ElementsAre(::testing::Pair("Allow", "GET, HEAD")));
  EXPECT_EQ(Found("get", "/healthz").refusal.status, 405) << "methods have one case";
}

}  // namespace
}  // namespace cromt::http
