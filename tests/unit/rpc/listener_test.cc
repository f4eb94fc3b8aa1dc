// Two protocols on one port, told apart by their first byte.
#include "io/rpc/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

namespace cromt::rpc {
namespace {

constexpr Duration kCap = seconds(30);

template <class F>
bool Becomes(F holds) {
  const Mono until = SystemClock().Read().mono + kCap;
  while (!holds())
    if (SystemClock().Read().mono > until) return false;
  return true;
}

// Counts whom it gets, and closes them.
class ListenerTest : public testing::Test {
 protected:
  void Open(const std::string& address, char first_byte) {
    ListenOptions options{.address = address};
    if (first_byte != 0) options.beside = {first_byte, [this](UniqueFd) { ++beside_; }};
    auto listener = Listener::Open(options);
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    listener_->Start([this](UniqueFd) { ++grpc_; }, [](const std::string&) {});
  }
  UniqueFd Dial() const {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<uint16_t>(std::stoi(listener_->address().substr(listener_->address().rfind(':') + 1))));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  void Say(const UniqueFd& fd, const std::string& text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  std::atomic<size_t> grpc_ = 0;
  std::atomic<size_t> beside_ = 0;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, TheFirstByteSaysWhoseItIs) {
  Open("127.0.0.1:0", 'C');
  const UniqueFd http2 = Dial(), line = Dial(), tls = Dial();
  Say(line, "C");
  EXPECT_TRUE(Becomes([&] { return beside_ == 1; }));
  EXPECT_EQ(grpc_, 0u);
  Say(http2, "PRI * HTTP/2.0");
  Say(tls, "\x16\x03\x01");
  EXPECT_TRUE(Becomes([&] { return grpc_ == 2; }));
  EXPECT_EQ(beside_, 1u);
}

TEST_F(ListenerTest, NothingIsWaitedForWhereThereIsNothingBeside) {
  Open("127.0.0.1:0", 0);
  const UniqueFd silent = Dial();
  EXPECT_TRUE(Becomes([&] { return grpc_ == 1; }));
}

TEST_F(ListenerTest, WhoGoesBeforeHisFirstByteIsForgotten) {
  Open("127.0.0.1:0", 'C');
  { const UniqueFd gone = Dial(); }
  const UniqueFd line = Dial();
  Say(line, "C");
  EXPECT_TRUE(Becomes([&] { return beside_ == 1; }));
  EXPECT_EQ(grpc_, 0u);
}

// The first go to gRPC, which knows what to do with them; who speaks is heard all the while.
TEST_F(ListenerTest, ManyThatAreSilentLockNobodyOut) {
  Open("127.0.0.1:0", 'C');
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i < Listener::kMostSilent + 10; ++i) silent.push_back(Dial());
  EXPECT_TRUE(Becomes([&] { return grpc_ == 10; }));
  const UniqueFd line = Dial();
  Say(line, "C");
  EXPECT_TRUE(Becomes([&] { return beside_ == 1; }));
}

TEST_F(ListenerTest, ItsEndClosesThoseThatWait) {
  Open("127.0.0.1:0", 'C');
  const UniqueFd silent = Dial();
  listener_.reset();
  pollfd closed{silent.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&closed, 1, 30'000), 1);
}

TEST_F(ListenerTest, OnAUnixSocketToo) {
  std::string folder = testing::TempDir() + "listener-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  Open(folder + "/s", 'C');
  const UniqueFd line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  (folder + "/s").copy(to.sun_path, sizeof to.sun_path - 1);
  ASSERT_EQ(::connect(line.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  Say(line, "C");
  EXPECT_TRUE(Becomes([&] { return beside_ == 1; }));
  listener_.reset();
  ::rmdir(folder.c_str());
}

}  // namespace
}  // namespace cromt::rpc
