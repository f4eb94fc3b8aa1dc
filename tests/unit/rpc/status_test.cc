// What gRPC says of a broken connection, in words for people.
#include "io/rpc/status.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <map>

namespace cromt::rpc {
namespace {

TEST(PlainWords, OfWhatGrpcSays) {
  const std::map<std::string, std::string> table = {
      {"failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:5109: Failed to connect to remote "
       "host: "
       "Connection refused",
       "nothing listens there (connection refused)"},
      {"failed to connect to all addresses; last error: UNKNOWN: ipv6:%5B::1%5D:5109: Failed to connect to remote "
       "host: "
       "Connection refused",
       "nothing listens there (connection refused)"},
      {"failed to connect to all addresses; last error: UNKNOWN: unix:/run/cromt/coordinator.sock: Failed to connect "
       "to "
       "remote host: No such file or directory",
       "nothing listens there (no such socket)"},
      {"failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:4000: Failed to connect to remote host: "
       "No route to host",
       "its host can't be reached (no route to host)"},
      {"failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:4000: connection attempt timed out "
       "before "
       "receiving SETTINGS frame",
       "it does not answer"},
      {"failed to connect to all addresses; last error: UNAVAILABLE: connection attempt timed out before receiving "
       "SETTINGS frame",
       "it does not answer"},
      {"connection attempt timed out before receiving SETTINGS frame", "it does not answer"},
      {"failed to connect to all addresses; last error: UNAVAILABLE: ipv4:127.0.0.1:80: Trying to connect an http1.x "
       "server",
       "what listens there does not speak HTTP/2, so it is no cromt"},
      {"failed to connect to all addresses; last error: UNAVAILABLE: ipv4:127.0.0.1:39449: Failed parsing HTTP/2",
       "what listens there does not speak HTTP/2, so it is no cromt"},
      {"Deadline Exceeded", "it did not answer in time"},
      {"Socket closed", "the connection broke"},
      {"recvmsg:Connection reset by peer", "the connection broke (connection reset)"},
      {"keepalive watchdog timeout", "it does not answer any more"},
  };
  for (const auto& [grpc, plain] : table) EXPECT_EQ(PlainWords(grpc), plain) << grpc;
}

TEST(PlainWords, AnythingElseStays) {
  for (const char* text :
       {"", ": ", "UNKNOWN: ", "ipv4:", "failed to connect to all addresses; last error: ",
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:5109: Something new",
        "it listens to another mesh", "agent: Connection refused", "UNKNOWN: no"})
    EXPECT_EQ(PlainWords(text), text);
}

TEST(PlainWords, AreThoseOfErrors) {
  const Error error = FromStatus({grpc::StatusCode::UNAVAILABLE, "Socket closed"});
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.message, "the connection broke");
}

}  // namespace
}  // namespace cromt::rpc
