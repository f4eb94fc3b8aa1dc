#include "io/rpc/status.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cromt::rpc {
namespace {

struct Phrase {
  std::string_view grpc;
  std::string_view plain;
};

constexpr auto kPhrases = std::to_array<Phrase>({
    {"Connection refused", "nothing listens there (connection refused)"},
    {"No such file or directory", "nothing listens there (no such socket)"},
    {"No route to host", "its host can't be reached (no route to host)"},
    {"Network is unreachable", "its network can't be reached (network is unreachable)"},
    {"Host is down", "its host can't be reached (host is down)"},
    {"Connection timed out", "it does not answer"},
    {"Timeout occurred", "it does not answer"},
    {"connect() timed out", "it does not answer"},
    {"connection attempt timed out before receiving SETTINGS frame", "it does not answer"},
    {"Deadline Exceeded", "it did not answer in time"},
    {"keepalive watchdog timeout", "it does not answer any more"},
    {"Connection reset by peer", "the connection broke (connection reset)"},
    {"Broken pipe", "the connection broke (broken pipe)"},
    {"Socket closed", "the connection broke"},
    {"Trying to connect an http1.x server", "what listens there does not speak HTTP/2, so it is no cromt"},
    {"Failed parsing HTTP/2", "what listens there does not speak HTTP/2, so it is no cromt"},
});

// In front of what went wrong: which of gRPC's parts says so, of whom, doing what.
constexpr auto kParts = std::to_array<std::string_view>(
    {"failed to connect to all addresses; last error: ", "connections to all backends failing; last error: ",
     "no reachable subchannels; last error: "});
constexpr auto kSteps =
    std::to_array<std::string_view>({"Failed to connect to remote host: ", "recvmsg:", "sendmsg:", "connect: "});

template <size_t N>
void DropOneOf(const std::array<std::string_view, N>& starts, std::string_view& text) {
  for (std::string_view start : starts)
    if (text.starts_with(start)) return text.remove_prefix(start.size());
}

// "UNKNOWN: "
void DropCode(std::string_view& text) {
  const size_t end = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  if (end != 0 && end != text.npos && text.substr(end).starts_with(": ")) text.remove_prefix(end + 2);
}

// "ipv4:127.0.0.1:5109: "
void DropAddress(std::string_view& text) {
  for (std::string_view family : {"ipv4:", "ipv6:", "unix:"})
    if (const size_t end = text.find(": "); text.starts_with(family) && end != text.npos)
      return text.remove_prefix(end + 2);
}

}  // namespace

std::string PlainWords(std::string_view message) {
  std::string_view cause = message;
  DropOneOf(kParts, cause);
  DropCode(cause);
  DropAddress(cause);
  DropOneOf(kSteps, cause);
  for (const Phrase& phrase : kPhrases)
    if (cause == phrase.grpc) return std::string(phrase.plain);
  return std::string(message);
}

grpc::Status ToStatus(const Error& error) {
  using grpc::StatusCode;
  StatusCode code = StatusCode::INTERNAL;
  switch (error.code) {
    case ErrorCode::kInvalid: code = StatusCode::INVALID_ARGUMENT; break;
    case ErrorCode::kNotFound: code = StatusCode::NOT_FOUND; break;
    case ErrorCode::kConflict: code = StatusCode::FAILED_PRECONDITION; break;
    case ErrorCode::kDenied: code = StatusCode::PERMISSION_DENIED; break;
    case ErrorCode::kUnavailable: code = StatusCode::UNAVAILABLE; break;
    case ErrorCode::kExhausted: code = StatusCode::RESOURCE_EXHAUSTED; break;
    case ErrorCode::kTimeout: code = StatusCode::DEADLINE_EXCEEDED; break;
    case ErrorCode::kCanceled: code = StatusCode::CANCELLED; break;
    case ErrorCode::kCorrupt: code = StatusCode::DATA_LOSS; break;
    case ErrorCode::kInternal: code = StatusCode::INTERNAL; break;
  }
  return {code, error.message};
}

Error FromStatus(const grpc::Status& status) {
  using grpc::StatusCode;
  ErrorCode code = ErrorCode::kInternal;
  switch (status.error_code()) {
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::OUT_OF_RANGE: code = ErrorCode::kInvalid; break;
    case StatusCode::NOT_FOUND: code = ErrorCode::kNotFound; break;
    case StatusCode::FAILED_PRECONDITION:
    case StatusCode::ALREADY_EXISTS:
    case StatusCode::ABORTED: code = ErrorCode::kConflict; break;
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED: code = ErrorCode::kDenied; break;
    case StatusCode::UNAVAILABLE: code = ErrorCode::kUnavailable; break;
    case StatusCode::RESOURCE_EXHAUSTED: code = ErrorCode::kExhausted; break;
    case StatusCode::DEADLINE_EXCEEDED: code = ErrorCode::kTimeout; break;
    case StatusCode::CANCELLED: code = ErrorCode::kCanceled; break;
    case StatusCode::DATA_LOSS: code = ErrorCode::kCorrupt; break;
    default: break;
  }
  return {code, PlainWords(status.error_message())};
}

}  // namespace cromt::rpc
