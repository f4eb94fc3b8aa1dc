#include "io/rpc/plain_words.h"

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

}  // namespace cromt::rpc
