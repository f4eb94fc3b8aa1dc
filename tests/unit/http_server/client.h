// A client that says whatever a test wants, byte by byte.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace cromt::http {

class Client {
 public:
  // "127.0.0.1:PORT"
  explicit Client(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    uint16_t port = 0;
    std::from_chars(address.data() + address.find(':') + 1, address.data() + address.size(), port);
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }

  // What is not taken is not said.
  void Say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void SayNoMore() { ::shutdown(socket_.get(), SHUT_WR); }

  // Until all of `part` has come, or the end; at most 20 s. All that came since the last call, and its answers are
  // the server's.
  std::string Hear(std::string_view part) {
    std::string heard;
    while (heard.find(part) == heard.npos && More(heard)) {
    }
    return heard;
  }
  std::string HearAll() {
    std::string heard;
    while (More(heard)) {
    }
    EXPECT_TRUE(ended_) << heard;
    return heard;
  }
  int socket() const { return socket_.get(); }

 private:
  bool More(std::string& heard) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 20'000) <= 0) return false;
    char bytes[4096];
    const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    ended_ = count <= 0;
    if (count > 0) heard.append(bytes, static_cast<size_t>(count));
    return count > 0;
  }
  UniqueFd socket_;
  bool ended_ = false;
};

}  // namespace cromt::http
