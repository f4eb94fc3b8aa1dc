// The server on real sockets, with limits that a test can reach.
#include "io/http_server/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/unit/http_server/client.h"

namespace cromt::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kLast = "GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
constexpr std::string_view kSlow = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

// /quick answers, /large with more than a connection holds that nobody reads from, /slow once the gate is open, /echo
// with the body, /throws with an exception.
class ServerTest : public testing::Test {
 protected:
  ~ServerTest() override { Open(); }
  void Start(Limits limits = {}) {
    std::vector<Route> routes = {
        {"GET", "/quick", false, [](const Request&, const PathParts&) { return Response{.body = "quick\n"}; }},
        {"GET", "/large", false,
         [this](const Request&, const PathParts&) {
           ++begun_;
           return Response{.body = std::string(64 << 20, 'x')};
         }},
        {"GET", "/slow", true,
         [this](const Request&, const PathParts&) {
           ++begun_;
           gate_.get_future().wait();
           return Response{.body = "slow\n"};
         }},
        {"POST", "/echo", true,
         [](const Request& request, const PathParts&) { return Response{.body = request.place + " " + request.body}; }},
        {"GET", "/throws", true, [](const Request&, const PathParts&) -> Response { throw std::runtime_error("x"); }},
    };
    auto started = Server::Start({.address = "127.0.0.1:0",
                                  .insecure = false,
                                  .identity = "",
                                  .limits = limits,
                                  .warn = [this](const std::string&) { ++warned_; }},
                                 std::move(routes));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  void Open() {
    if (!open_.exchange(true)) gate_.set_value();
  }
  void WaitForSlow(int count) {
    for (int i = 0; i < 2000 && begun_ < count; ++i) Alive();
    ASSERT_EQ(begun_, count);
  }
  // That it serves others, meanwhile.
  void Alive() {
    Client other(server_->address());
    other.Say(kLast);
    ASSERT_THAT(other.HearAll(), EndsWith("quick\n"));
  }

  std::atomic<int> begun_ = 0;
  std::atomic<int> warned_ = 0;
  std::promise<void> gate_;
  std::atomic<bool> open_ = false;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, RequestsInOneGoAreAnsweredInOrder) {
  Start();
  Client client(server_->address());
  std::string all;
  for (int i = 0; i < 100; ++i) all += kGet;
  all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  client.Say(all + std::string(kLast));
  const std::string heard = client.HearAll();
  size_t count = 0;
  for (size_t at = 0; (at = heard.find("quick\n", at)) != heard.npos; ++at) ++count;
  EXPECT_EQ(count, 101u);
  EXPECT_THAT(heard, HasSubstr("127.0.0.1 hiHTTP/1.1"));
  EXPECT_THAT(heard, EndsWith("Connection: close\r\n\r\nquick\n"));
}

TEST_F(ServerTest, AHeadHasNoBodyAndAnOldClientIsLeft) {
  Start();
  Client head(server_->address());
  head.Say("HEAD /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string heard = head.HearAll();
  EXPECT_THAT(heard, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(heard, EndsWith("\r\n\r\n"));
  Client old(server_->address());
  old.Say("GET /quick HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.HearAll(), EndsWith("quick\n"));
}

TEST_F(ServerTest, WhatIsRefusedIsReadBeforeTheEnd) {
  Start();
  Client large(server_->address());
  large.Say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + std::string(2'000'000, 'x'));
  large.SayNoMore();
  EXPECT_THAT(large.HearAll(), StartsWith("HTTP/1.1 413 "));
  Client broken(server_->address());
  broken.Say("what?\r\n\r\n" + std::string(kGet));
  const std::string heard = broken.Hear("}");
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(broken.HearAll(), Not(HasSubstr("quick"))) << "nothing behind it is a request";
  Client nothing(server_->address());
  nothing.Say("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(nothing.Hear("}"), StartsWith("HTTP/1.1 500 "));
  Alive();
}

TEST_F(ServerTest, ABodyIsSentOnceItIsWanted) {
  Start();
  Client client(server_->address());
  client.Say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Say("hi");
  EXPECT_THAT(client.Hear(" hi"), EndsWith("127.0.0.1 hi"));
}

TEST_F(ServerTest, WhoIsSlowIsNotWaitedFor) {
  Start({.idle = milliseconds(300), .head = milliseconds(200), .body = milliseconds(200)});
  Client idle(server_->address()), head(server_->address()), body(server_->address());
  head.Say("GET /quick HTTP/1.1\r\nHo");
  body.Say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal");
  Alive();
  EXPECT_THAT(head.HearAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(body.HearAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(idle.HearAll(), "");
}

TEST_F(ServerTest, DrippingBytesGainNoTime) {
  Start({.head = milliseconds(300)});
  Client client(server_->address());
  client.Say("GET /quick HTTP/1.1\r\nX: ");
  pollfd ready{client.socket(), POLLIN, 0};
  for (int i = 0; i < 500 && ::poll(&ready, 1, 10) == 0; ++i) client.Say("x");
  EXPECT_THAT(client.HearAll(), StartsWith("HTTP/1.1 408 "));
}

// Who is left may hear of it much later: its own side asks ever more seldom whether there is room again. So the server
// is asked, whose only place it has, and keeps for as long as it is being answered.
TEST_F(ServerTest, WhoDoesNotReadIsLeft) {
  Start({.connections = 1, .write = milliseconds(300)});
  Client client(server_->address());
  client.Say("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto cap = std::chrono::steady_clock::now() + seconds(20);
  while (begun_ < 1 && std::chrono::steady_clock::now() < cap) std::this_thread::yield();
  ASSERT_EQ(begun_, 1);
  std::string heard;
  while (!heard.ends_with("quick\n") && std::chrono::steady_clock::now() < cap) {
    Client other(server_->address());
    other.Say(kLast);
    heard = other.HearAll();
  }
  EXPECT_THAT(heard, EndsWith("quick\n"));
}

TEST_F(ServerTest, WhatWaitsIsBounded) {
  Start({.answering = 2, .answerers = 1});
  Client first(server_->address()), second(server_->address()), third(server_->address());
  first.Say(kSlow);
  WaitForSlow(1);
  second.Say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  std::string heard;
  // The second stands in the line as soon as the server has read it.
  for (int i = 0; i < 1000 && !heard.starts_with("HTTP/1.1 503 "); ++i) {
    third.Say("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n");
    heard = third.Hear("}");
  }
  EXPECT_THAT(heard, HasSubstr("Retry-After: 1\r\n"));
  Alive();
  Open();
  EXPECT_THAT(first.Hear("slow\n"), EndsWith("slow\n"));
  EXPECT_THAT(second.Hear(" hi"), EndsWith(" hi"));
}

TEST_F(ServerTest, TheLongestWithoutARequestMakesRoom) {
  Start({.connections = 3});
  Client busy(server_->address());
  busy.Say(kSlow);
  WaitForSlow(1);
  Client idle(server_->address());
  idle.Say(kGet);
  EXPECT_THAT(idle.Hear("quick\n"), EndsWith("quick\n"));
  Client begun(server_->address());
  begun.Say("GET /qu");
  Alive();  // in the place of `idle`
  EXPECT_EQ(idle.HearAll(), "");
  EXPECT_GE(warned_, 1);
  Open();
  EXPECT_THAT(busy.Hear("slow\n"), EndsWith("slow\n"));
}

TEST_F(ServerTest, WhereAllAreBusyANewOneIsRefused) {
  Start({.connections = 1});
  Client busy(server_->address());
  busy.Say(kSlow);
  for (int i = 0; i < 2000 && begun_ < 1; ++i) std::this_thread::yield();
  Client other(server_->address());
  EXPECT_THAT(other.HearAll(), StartsWith("HTTP/1.1 503 "));
  Open();
  EXPECT_THAT(busy.Hear("slow\n"), EndsWith("slow\n"));
}

TEST_F(ServerTest, BodiesAreBoundedOverAll) {
  Start({.held_bytes = 1'500'000});
  Client one(server_->address()), two(server_->address());
  const std::string most =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n" + std::string(1'000'000, 'x');
  one.Say(most);
  Alive();
  two.Say(most);
  // Whichever came over the bound.
  pollfd ready[2] = {{one.socket(), POLLIN, 0}, {two.socket(), POLLIN, 0}};
  ASSERT_GT(::poll(ready, 2, 20'000), 0);
  Client& refused = ready[0].revents ? one : two;
  Client& kept = ready[0].revents ? two : one;
  EXPECT_THAT(refused.Hear("}"), StartsWith("HTTP/1.1 503 "));
  kept.Say("y");
  EXPECT_THAT(kept.Hear("xy"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, WhatIsBeingAnsweredIsAnswered) {
  Start();
  Client busy(server_->address()), idle(server_->address());
  busy.Say(kSlow);
  WaitForSlow(1);
  std::thread end([this] { server_.reset(); });
  EXPECT_EQ(idle.HearAll(), "");
  Open();
  end.join();
  EXPECT_THAT(busy.HearAll(), EndsWith("Connection: close\r\n\r\nslow\n"));
}

TEST(ServerAddressTest, WhereItMayListen) {
  const auto start = [](const std::string& address) {
    return Server::Start({.address = address, .insecure = false, .identity = "", .limits = {}, .warn = {}}, {});
  };
  const auto one = start("127.0.0.1:0");
  ASSERT_TRUE(one);
  const auto again = start((*one)->address());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  const auto beyond = start("0.0.0.0:0");
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(beyond.error().message, HasSubstr("--insecure"));
  EXPECT_FALSE(start("nonsense"));
}

}  // namespace
}  // namespace cromt::http
