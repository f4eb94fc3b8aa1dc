#include "io/transfer/blob_line_fetch.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cromt/v1/agent.pb.h"
#include "io/rpc/address.h"
#include "io/rpc/plain_words.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

// What has come is written after so long, however little it is.
constexpr Duration kRest = milliseconds(20);

// The socket, on its way to be connected.
Result<UniqueFd> Begin(const std::string& address, bool plain_anywhere) {
  CROMT_ASSIGN(const rpc::Endpoint to, rpc::ResolveEndpoint(address));
  if (!to.loopback && !plain_anywhere) return tl::unexpected(rpc::PlaintextElsewhere(address));
  UniqueFd fd(::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0 && errno != EINPROGRESS)
    return Fail(ErrorCode::kUnavailable, rpc::PlainWords(std::strerror(errno)));
  return fd;
}

}  // namespace

BlobLineFetch::BlobLineFetch(const LeaseInput& from, BlobWriter& writer, const Options& options)
    : Arrival(writer, from.artifact.digest.size_bytes), from_(from), offset_(writer.size_bytes()), options_(options) {
  thread_ = std::thread([this] { Ended(Run()); });
}

BlobLineFetch::~BlobLineFetch() {
  Cancel();
  thread_.join();
}

void BlobLineFetch::Cancel() {
  MutexLock lock(socket_mutex_);
  canceled_ = true;
  if (end_) end_->Cut();
}

Status BlobLineFetch::Run() {
  const Mono until = SystemClock().Read().mono + options_.first_byte;
  auto socket = Begin(from_.address, options_.tls != nullptr || options_.insecure);
  if (!socket) return tl::unexpected(socket.error());
  BlobLineEnd* end;
  {
    MutexLock lock(socket_mutex_);
    if (canceled_) return Fail(ErrorCode::kCanceled, "it is not wanted any more");
    end_ = std::make_unique<BlobLineEnd>(std::move(*socket));
    end = end_.get();
  }
  CROMT_TRY(Shake(*end, until));
  CROMT_TRY(Ask(*end, until));
  return Receive(*end);
}

// From here on both know that they speak of the line, and with whom.
Status BlobLineFetch::Shake(BlobLineEnd& end, Mono until) {
  CROMT_TRY(end.AwaitConnected(until));
  std::array<char, kBlobLineHello.size()> hello{};
  Status shaken = end.WriteAll(kBlobLineHello, options_.first_byte);
  if (shaken) shaken = end.ReadAll(hello.data(), hello.size(), until);
  if (!shaken && shaken.error().code == ErrorCode::kTimeout) return shaken;
  is_known_ = shaken && std::equal(hello.begin(), hello.end(), kBlobLineHello.begin());
  if (!is_known_) return Fail(ErrorCode::kUnavailable, "it does not know the blob line");
  if (!options_.tls) return {};
  CROMT_ASSIGN(auto tls, options_.tls->Connect(end.socket()));
  CROMT_TRY(end.Secure(std::move(tls), until));
  auto shown = options_.tls->PeerOf(*end.tls());
  if (!shown) return Fail(ErrorCode::kUnavailable, shown.error().message);
  const Identity meant{options_.tls->mesh(), PeerKind::kAgent, from_.holder.text(), false};
  if (shown->identity == meant) return {};
  return Fail(ErrorCode::kUnavailable,
              Describe(meant) + " is meant, and " + Describe(shown->identity) + " answers there");
}

Status BlobLineFetch::Ask(BlobLineEnd& end, Mono until) {
  v1::GetBlobRequest request;
  wire::ToProto(from_.artifact.digest, *request.mutable_digest());
  wire::ToProto(from_.ticket, *request.mutable_ticket());
  request.set_agent(from_.holder.text());
  request.set_offset(offset_);
  CROMT_TRY(end.WriteMessage(request, options_.first_byte));
  v1::GetBlobAnswer answer;
  CROMT_TRY(end.ReadMessage(answer, until));
  return FromAnswer(answer);
}

// How long nothing may come is for who waits to decide.
Status BlobLineFetch::Receive(BlobLineEnd& end) {
  for (int64_t left = from_.artifact.digest.size_bytes - offset_; left > 0;) {
    std::string piece = Used();
    piece.resize(static_cast<size_t>(std::min<int64_t>(left, kPieceBytes)));
    CROMT_ASSIGN(const size_t came, end.ReadSome(piece.data(), piece.size(), Mono::max(), kRest));
    piece.resize(came);
    left -= static_cast<int64_t>(came);
    if (!Came(std::move(piece))) AwaitRoom();
  }
  return {};
}

}  // namespace cromt
