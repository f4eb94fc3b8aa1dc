// The coordinator's routes and their rules, and its health.
#include "coordinator/http/http_side.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "coordinator/access/route_rules.h"
#include "coordinator/http/health.h"

namespace cromt {
namespace {

TEST(RouteRulesTest, EachRouteHasOneAndNoneIsLeftOver) {
  const SystemClock clock;
  Health health([] { return true; }, clock);
  Hooks hooks({});
  std::set<std::string> routes;
  for (const http::Route& route : HttpRoutes(health, hooks)) {
    EXPECT_NE(RuleOf(route.method, route.pattern), nullptr) << route.pattern << " has no rule";
    routes.insert(route.method + " " + route.pattern);
  }
  for (const RouteRule& rule : RouteRules())
    EXPECT_TRUE(routes.erase(std::string(rule.method) + " " + std::string(rule.pattern))) << rule.pattern;
  EXPECT_TRUE(routes.empty());
}

TEST(RouteRulesTest, WhatIsOpenIsOpenOnPurpose) {
  std::set<std::string> open;
  for (const RouteRule& rule : RouteRules())
    if (rule.scope == CallScope::kOpen) open.insert(std::string(rule.method) + " " + std::string(rule.pattern));
  EXPECT_EQ(open, (std::set<std::string>{"GET /healthz", "GET /readyz", "POST /hooks/{project}"}));
}

class SetClock final : public Clock {
 public:
  Now Read() const override { return {now.load(), {}}; }
  std::atomic<Mono> now = Mono(seconds(1000));
};

TEST(HealthTest, ALoopThatHangsIsSeenAndNobodyWaitsForIt) {
  SetClock clock;
  std::promise<void> hangs;
  std::atomic<int> asked = 0;
  Health health(
      [&] {
        if (++asked == 1) hangs.get_future().wait();
        return asked != 3;
      },
      clock);
  health.Held("");
  EXPECT_EQ(health.Lives().status, 200) << "it has time";
  clock.now = clock.now.load() + Health::kPatience;
  EXPECT_EQ(health.Lives().status, 503);
  EXPECT_EQ(health.Ready().status, 503);
  hangs.set_value();
  const auto becomes = [&](int status) {
    for (int i = 0; i < 2'000'000 && health.Lives().status != status; ++i) std::this_thread::yield();
    EXPECT_EQ(health.Lives().status, status);
  };
  becomes(200);
  EXPECT_LE(asked, 2) << "not more often than it makes sense";
  clock.now = clock.now.load() + Health::kAskAgain;
  (void)health.Lives();
  clock.now = clock.now.load() + Health::kAskAgain;
  if (asked < 3) becomes(503);
  clock.now = clock.now.load() + Health::kAskAgain;
  becomes(200);
}

TEST(HealthTest, WhatHoldsIsSaidWithoutItsDetails) {
  const SystemClock clock;
  Health health([] { return true; }, clock);
  EXPECT_EQ(health.Ready().status, 503) << "before the first word";
  health.Held("");
  EXPECT_EQ(health.Ready().status, 200);
  health.Held("the disk is full: /srv/x has no room");
  EXPECT_EQ(health.Ready().status, 503);
  EXPECT_EQ(health.Ready().body, "the disk is full\n");
  EXPECT_EQ(health.Lives().status, 200);
}

}  // namespace
}  // namespace cromt
