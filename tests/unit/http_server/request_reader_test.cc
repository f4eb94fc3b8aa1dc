// What is read as a request, however it is cut, and what is refused.
#include "io/http_server/request_reader.h"

#include <gmock/gmock.h>

namespace cromt::http {
namespace {

using State = RequestReader::State;
using ::testing::ElementsAre;
using ::testing::Pair;

// As a server does: what was not taken comes again.
struct Reading {
  explicit Reading(RequestReader::Limits limits = {}) : reader(limits) {}
  void Add(std::string_view text) {
    left += text;
    while (!left.empty() && (reader.state() == State::kHead || reader.state() == State::kBody)) {
      const size_t taken = reader.Put(left);
      left.erase(0, taken);
      if (taken == 0) return;
    }
  }
  RequestReader reader;
  std::string left;
};

int RefusalOf(std::string_view text, RequestReader::Limits limits = {}) {
  Reading reading(limits);
  reading.Add(text);
  return reading.reader.state() == State::kBad ? reading.reader.problem().status : 0;
}

constexpr std::string_view kPost =
    "POST /hooks/p?x=%20 HTTP/1.1\r\nHost: here\r\nContent-LENGTH: 5\r\nX-One:  a b \r\nx-two: 1\r\nX-Two: "
    "2\r\n\r\nhello";

TEST(RequestReaderTest, HoweverItIsCut) {
  for (size_t step = 1; step <= kPost.size(); ++step) {
    Reading reading;
    for (size_t at = 0; at < kPost.size(); at += step) reading.Add(kPost.substr(at, step));
    ASSERT_EQ(reading.reader.state(), State::kDone) << step;
    EXPECT_TRUE(reading.reader.keep_alive());
    const Request request = reading.reader.Take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/hooks/p");
    EXPECT_EQ(request.query, "x=%20");
    EXPECT_EQ(request.body, "hello");
    EXPECT_THAT(request.headers, ::testing::Contains(Pair("x-one", "a b")));
    ASSERT_NE(request.Header("x-one"), nullptr);
    EXPECT_EQ(request.Header("x-two"), nullptr) << "nobody can say which";
    EXPECT_EQ(request.Header("x-three"), nullptr);
  }
}

TEST(RequestReaderTest, TheNextOneStaysForLater) {
  Reading reading;
  reading.Add("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.0\r\n\r\nrest");
  ASSERT_EQ(reading.reader.state(), State::kDone);
  EXPECT_EQ(reading.reader.Take().path, "/a");
  reading.Add("");
  ASSERT_EQ(reading.reader.state(), State::kDone);
  EXPECT_FALSE(reading.reader.keep_alive());
  EXPECT_EQ(reading.reader.Take().path, "/b");
  EXPECT_EQ(reading.left, "rest");
}

TEST(RequestReaderTest, ABodyInPieces) {
  Reading reading;
  reading.Add("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n");
  EXPECT_EQ(reading.reader.state(), State::kBody);
  EXPECT_EQ(reading.reader.body_bytes(), 3u);
  reading.Add("2\r\nde\r\n0\r\n\r\n");
  ASSERT_EQ(reading.reader.state(), State::kDone);
  EXPECT_EQ(reading.reader.Take().body, "abcde");
}

TEST(RequestReaderTest, PiecesHoweverTheyAreCut) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& [chunks, body] : std::vector<std::pair<std::string, std::string>>{
           {"0\r\n\r\n", ""},
           {"0\r\nX: y\r\n\r\n", ""},
           {"1\r\n\r\r\n00;a=\"b;c\"\r\n\r\n", "\r"},
           {"2\r\n\r\n\r\n004\r\n0\r\n\r\r\n0\r\nHost: y\r\nX: y\r\n\r\n", "\r\n0\r\n\r"}}) {
    const std::string text = head + chunks;
    for (size_t step = 1; step <= text.size(); ++step) {
      Reading reading;
      for (size_t at = 0; at < text.size(); at += step) reading.Add(text.substr(at, step));
      ASSERT_EQ(reading.reader.state(), State::kDone) << chunks << " in pieces of " << step;
      EXPECT_EQ(reading.left, "");
      const Request request = reading.reader.Take();
      EXPECT_EQ(request.body, body);
      EXPECT_THAT(request.headers, ElementsAre(Pair("host", "x"), Pair("transfer-encoding", "chunked")))
          << "what trails a body is no header";
    }
  }
}

TEST(RequestReaderTest, WhatIsNoRequestOrTwo) {
  for (std::string_view text :
       {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0;a=\"\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n"})
    EXPECT_EQ(RefusalOf(text), 400) << text;
  EXPECT_EQ(RefusalOf("PRI * HTTP/2.0\r\n\r\n"), 505);
  for (std::string_view encoding :
       {"gzip", "chunked, gzip", "gzip, chunked", "xchunked", "chunked\r\nTransfer-Encoding: chunked"})
    EXPECT_NE(
        RefusalOf("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + std::string(encoding) + "\r\n\r\n0\r\n\r\n"), 0)
        << encoding;
}

TEST(RequestReaderTest, WhatIsTooLarge) {
  const RequestReader::Limits limits{.head_bytes = 200, .body_bytes = 10};
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(RefusalOf(head + "A: " + std::string(300, 'a'), limits), 431) << "before its end has come";
  EXPECT_EQ(RefusalOf("POST /" + std::string(300, 'a'), limits), 431);
  EXPECT_EQ(RefusalOf(head + "Content-Length: 11\r\n\r\n", limits), 413) << "before a byte of it has come";
  EXPECT_EQ(RefusalOf(head + "Content-Length: 99999999999999999999999\r\n\r\n", limits), 400);
  EXPECT_EQ(RefusalOf(head + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n", limits), 413);
  EXPECT_EQ(RefusalOf(head + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n", limits), 413);
  EXPECT_EQ(RefusalOf(head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", limits), 413);
  EXPECT_EQ(RefusalOf(head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x'), limits), 431);
  EXPECT_EQ(RefusalOf(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + std::string(300, 'x'), limits), 431);
  EXPECT_EQ(RefusalOf(head + "Content-Length: 10\r\n\r\n0123456789", limits), 0);
  for (const size_t more : {0, 1}) {
    const std::string largest = head + "A: " + std::string(200 - head.size() - 7 + more, 'a') + "\r\n\r\n";
    EXPECT_EQ(RefusalOf(largest, limits), more > 0 ? 431 : 0);
    Reading bytewise(limits);
    for (const char c : largest) bytewise.Add({&c, 1});
    EXPECT_EQ(bytewise.reader.state(), more > 0 ? State::kBad : State::kDone) << "the same in pieces";
  }
}

TEST(RequestReaderTest, LeaveToSendABody) {
  Reading reading;
  reading.Add("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_EQ(reading.reader.state(), State::kBody);
  EXPECT_TRUE(reading.reader.wants_leave());
}

}  // namespace
}  // namespace cromt::http
