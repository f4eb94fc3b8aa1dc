#include "agent/launcher/message_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace cromt::launcher {
namespace {

constexpr size_t kReadBytes = 64 << 10;

tl::unexpected<Error> Closed() {
  return Fail(ErrorCode::kUnavailable, "the other side closed the launcher socket");
}

bool IsTemporary(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Status MessageSocket::Fill() {
  std::array<char, kReadBytes> buffer;
  ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return Closed();
  if (got > 0) in_.append(buffer.data(), static_cast<size_t>(got));
  if (got < 0 && !IsTemporary(errno)) return tl::unexpected(ErrnoError("reading the launcher socket", errno));
  return {};
}

void MessageSocket::Consume(size_t bytes) {
  taken_ += bytes;
  if (taken_ * 2 < in_.size()) return;  // not worth the move
  in_.erase(0, taken_);
  taken_ = 0;
}

Status MessageSocket::Flush() {
  while (sent_ < out_.size()) {
    ssize_t put = send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && IsTemporary(errno)) break;
    if (put < 0 && errno == EPIPE) return Closed();
    if (put < 0) return tl::unexpected(ErrnoError("writing the launcher socket", errno));
    sent_ += static_cast<size_t>(put);
  }
  if (sent_ * 2 >= out_.size()) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  return {};
}

}  // namespace cromt::launcher
