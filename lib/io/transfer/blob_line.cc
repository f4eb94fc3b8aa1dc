#include "io/transfer/blob_line.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "cromt/v1/agent.pb.h"
#include "io/rpc/plain_words.h"

namespace cromt {
namespace {

constexpr size_t kSizeBytes = 4;

constexpr auto kRefusals = std::to_array<std::pair<ErrorCode, v1::GetBlobAnswer::Refusal>>({
    {ErrorCode::kInvalid, v1::GetBlobAnswer::INVALID},
    {ErrorCode::kNotFound, v1::GetBlobAnswer::NOT_FOUND},
    {ErrorCode::kConflict, v1::GetBlobAnswer::CONFLICT},
    {ErrorCode::kDenied, v1::GetBlobAnswer::DENIED},
    {ErrorCode::kUnavailable, v1::GetBlobAnswer::UNAVAILABLE},
    {ErrorCode::kExhausted, v1::GetBlobAnswer::EXHAUSTED},
    {ErrorCode::kTimeout, v1::GetBlobAnswer::TIMEOUT},
    {ErrorCode::kCanceled, v1::GetBlobAnswer::CANCELED},
    {ErrorCode::kCorrupt, v1::GetBlobAnswer::CORRUPT},
    {ErrorCode::kInternal, v1::GetBlobAnswer::INTERNAL},
});

Mono FromNow(Duration time) {
  return SystemClock().Read().mono + time;
}

short EventsOf(Stream::Step step) {
  return step == Stream::Step::kNeedsOutput ? POLLOUT : POLLIN;
}

}  // namespace

BlobLineEnd::BlobLineEnd(UniqueFd socket) : socket_(std::move(socket)), stream_(PlainStream(socket_.get())) {}

void BlobLineEnd::Cut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

Status BlobLineEnd::Await(short events, Mono until) const {
  for (;;) {
    const Mono now = SystemClock().Read().mono;
    if (now >= until) return Fail(ErrorCode::kTimeout, "nothing came any more");
    pollfd fd{socket_.get(), events, 0};
    const int64_t wait_ms = std::min<int64_t>((until - now) / milliseconds(1) + 1, 60'000);
    if (::poll(&fd, 1, static_cast<int>(wait_ms)) > 0) return {};
  }
}

Status BlobLineEnd::AwaitConnected(Mono until) const {
  CROMT_TRY(Await(POLLOUT, until));
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem == 0) return {};
  return Fail(ErrorCode::kUnavailable, rpc::PlainWords(std::strerror(problem)));
}

Error BlobLineEnd::Ended() const {
  const std::string why = tls_ ? tls_->problem() : "";
  return {ErrorCode::kUnavailable, why.empty() ? "the connection broke" : "the connection broke (" + why + ")"};
}

Status BlobLineEnd::Secure(std::unique_ptr<TlsStream> tls, Mono until) {
  tls_ = tls.get();
  stream_ = std::move(tls);
  for (;;) {
    const Stream::Step step = stream_->Greet();
    if (step == Stream::Step::kMoved) return {};
    if (step == Stream::Step::kEnded) return tl::unexpected(Ended());
    CROMT_TRY(Await(EventsOf(step), until));
  }
}

Status BlobLineEnd::ReadAll(char* to, size_t size, Mono until) {
  while (size > 0) {
    const Stream::Move move = stream_->Read(to, size);
    to += move.bytes;
    size -= move.bytes;
    if (move.step == Stream::Step::kEnded) return tl::unexpected(Ended());
    if (move.step != Stream::Step::kMoved) CROMT_TRY(Await(EventsOf(move.step), until));
  }
  return {};
}

Result<size_t> BlobLineEnd::ReadSome(char* to, size_t room, Mono until, Duration rest) {
  size_t size = 0;
  while (size < room) {
    const Stream::Move move = stream_->Read(to + size, room - size);
    if (size == 0 && move.bytes > 0) until = FromNow(rest);
    size += move.bytes;
    if (move.step == Stream::Step::kEnded && size == 0) return tl::unexpected(Ended());
    if (move.step == Stream::Step::kEnded) break;  // the next one says so
    if (move.step == Stream::Step::kMoved) continue;
    if (Status waited = Await(EventsOf(move.step), until); !waited) {
      if (size == 0) return tl::unexpected(waited.error());
      break;
    }
  }
  return size;
}

Status BlobLineEnd::WriteAll(std::string_view bytes, Duration stall) {
  while (!bytes.empty()) {
    const Stream::Move move = stream_->Write(bytes);
    bytes.remove_prefix(move.bytes);
    if (move.step == Stream::Step::kEnded) return tl::unexpected(Ended());
    if (move.step != Stream::Step::kMoved) CROMT_TRY(Await(EventsOf(move.step), FromNow(stall)));
  }
  return {};
}

Status BlobLineEnd::Flush(Duration stall) {
  for (;;) {
    const Stream::Step step = stream_->Flush();
    if (step == Stream::Step::kMoved) return {};
    if (step == Stream::Step::kEnded) return tl::unexpected(Ended());
    CROMT_TRY(Await(EventsOf(step), FromNow(stall)));
  }
}

// REQUIRES: no TLS.
Status BlobLineEnd::SendFile(int file, int64_t offset, int64_t bytes, Duration stall) {
  off_t at = offset;
  while (at < offset + bytes) {
    const ssize_t sent = ::sendfile(socket_.get(), file, &at, static_cast<size_t>(offset + bytes - at));
    if (sent > 0 || (sent < 0 && errno == EINTR)) continue;
    if (sent == 0) return Fail(ErrorCode::kCorrupt, "the artifact has become shorter");
    if (errno != EAGAIN) return tl::unexpected(ErrnoError("can't send the artifact", errno));
    CROMT_TRY(Await(POLLOUT, FromNow(stall)));
  }
  return {};
}

Status BlobLineEnd::ReadMessage(google::protobuf::MessageLite& to, Mono until) {
  unsigned char head[kSizeBytes];
  CROMT_TRY(ReadAll(reinterpret_cast<char*>(head), kSizeBytes, until));
  size_t size = 0;
  for (const unsigned char byte : head) size = size << 8 | byte;
  if (size > kMostLineMessageBytes)
    return Fail(ErrorCode::kInvalid, "what was said on the blob line is longer than it may be");
  std::string bytes(size, '\0');
  CROMT_TRY(ReadAll(bytes.data(), size, until));
  if (!to.ParseFromString(bytes))
    return Fail(ErrorCode::kInvalid, "what was said on the blob line is no message of it");
  return {};
}

Status BlobLineEnd::WriteMessage(const google::protobuf::MessageLite& message, Duration stall) {
  const std::string bytes = message.SerializeAsString();
  std::string framed;
  for (size_t i = kSizeBytes; i-- > 0;) framed += static_cast<char>(bytes.size() >> (8 * i) & 0xff);
  CROMT_TRY(WriteAll(framed + bytes, stall));
  return Flush(stall);
}

void ToAnswer(const Error& refusal, v1::GetBlobAnswer& answer) {
  answer.set_refusal(v1::GetBlobAnswer::INTERNAL);
  for (const auto& [code, proto] : kRefusals)
    if (code == refusal.code) answer.set_refusal(proto);
  answer.set_reason(refusal.message);
}

Status FromAnswer(const v1::GetBlobAnswer& answer) {
  if (answer.refusal() == v1::GetBlobAnswer::NONE) return {};
  Error error{ErrorCode::kInternal, answer.reason()};
  for (const auto& [code, proto] : kRefusals)
    if (proto == answer.refusal()) error.code = code;
  return tl::unexpected(std::move(error));
}

}  // namespace cromt
