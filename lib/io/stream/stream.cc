#include "io/stream/stream.h"

#include <sys/socket.h>

#include <cerrno>

namespace cromt {
namespace {

class Plain final : public Stream {
 public:
  explicit Plain(int socket) : socket_(socket) {}
  Step Greet() override { return Step::kMoved; }
  Move Read(char* to, size_t room) override {
    const ssize_t count = ::recv(socket_, to, room, 0);
    if (count > 0) return {Step::kMoved, static_cast<size_t>(count)};
    return {count < 0 && Later() ? Step::kNeedsInput : Step::kEnded, 0};
  }
  Move Write(std::string_view bytes) override {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) return {Step::kMoved, static_cast<size_t>(count)};
    return {Later() ? Step::kNeedsOutput : Step::kEnded, 0};
  }
  void EndWriting() override { ::shutdown(socket_, SHUT_WR); }

 private:
  static bool Later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
  const int socket_;
};

}  // namespace

std::unique_ptr<Stream> PlainStream(int socket) {
  return std::make_unique<Plain>(socket);
}

}  // namespace cromt
