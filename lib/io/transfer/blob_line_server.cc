#include "io/transfer/blob_line_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "cromt/v1/agent.pb.h"
#include "io/rpc/address.h"

namespace cromt {
namespace {

constexpr int64_t kPieceBytes = 256 << 10;

std::string PeerOf(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size);
  return rpc::FormatAddress(peer);
}

std::string HostOf(const std::string& from) {
  return from.substr(0, from.rfind(':'));
}

}  // namespace

BlobLineServer::~BlobLineServer() {
  Connections last;
  {
    MutexLock lock(mutex_);
    last.swap(connections_);  // their threads keep their place in memory
    for (const Connection& one : last)
      if (one.end) one.end->Cut();
  }
  for (Connection& one : last) one.thread.join();
}

void BlobLineServer::Take(UniqueFd socket) {
  std::string from = PeerOf(socket.get());
  Connections over;
  {
    MutexLock lock(mutex_);
    for (auto one = connections_.begin(); one != connections_.end();) {
      const auto next = std::next(one);
      if (!one->end) over.splice(over.end(), connections_, one);
      one = next;
    }
    MakeRoom(over);
  }
  for (Connection& one : over) one.thread.join();  // at once: so there are never more threads than places
  MutexLock lock(mutex_);
  connections_.push_back({std::make_unique<BlobLineEnd>(std::move(socket)), std::move(from), true, {}});
  Connection& connection = connections_.back();
  connection.thread = std::thread([this, &connection] { Run(connection); });
}

void BlobLineServer::MakeRoom(Connections& over) {
  std::map<std::string, size_t> of;
  size_t greeting = 0, most = 0;
  for (const Connection& one : connections_)
    if (one.is_greeting) {
      ++greeting;
      most = std::max(most, ++of[HostOf(one.from)]);
    }
  if (greeting < kGreeting) return;
  const auto oldest = std::find_if(connections_.begin(), connections_.end(), [&](const Connection& one) {
    return one.is_greeting && of[HostOf(one.from)] == most;
  });
  oldest->end->Cut();
  over.splice(over.end(), connections_, oldest);
}

void BlobLineServer::Run(Connection& connection) {
  BlobLineEnd* end;
  {
    MutexLock lock(mutex_);  // until it has been put in its place
    end = connection.end.get();
  }
  Serve(connection, *end);
  MutexLock lock(mutex_);
  connection.end.reset();
}

void BlobLineServer::Serve(Connection& connection, BlobLineEnd& end) {
  v1::GetBlobRequest request;
  auto caller = Greet(end, request);
  if (!caller && caller.error().code == ErrorCode::kUnavailable) return;  // there is nobody to tell
  auto blob =
      caller ? open_(*caller ? Caller((*caller)->identity) : Caller(), request) : tl::unexpected(caller.error());
  v1::GetBlobAnswer answer;
  if (!blob) {
    if (blob.error().code == ErrorCode::kDenied) options_.denied(connection.from, blob.error());
    ToAnswer(blob.error(), answer);
  } else {
    MutexLock lock(mutex_);
    connection.is_greeting = false;
  }
  if (!end.WriteMessage(answer, options_.greeting) || (blob && !Send(end, *blob, *caller))) return;
  end.EndWriting();
}

// kUnavailable: the other end has not come so far that it could be told anything.
Result<std::optional<pki::Certificate>> BlobLineServer::Greet(BlobLineEnd& end, v1::GetBlobRequest& request) const {
  const Mono until = SystemClock().Read().mono + options_.greeting;
  const auto nobody = [](const Error& why) { return Fail(ErrorCode::kUnavailable, why.message); };
  std::array<char, kBlobLineHello.size()> hello{};
  if (Status read = end.ReadAll(hello.data(), hello.size(), until); !read) return nobody(read.error());
  if (!std::equal(hello.begin(), hello.end(), kBlobLineHello.begin()))
    return Fail(ErrorCode::kUnavailable, "it is no hello of the blob line");
  if (Status said = end.WriteAll(kBlobLineHello, options_.greeting); !said) return nobody(said.error());
  if (options_.tls) {
    auto tls = options_.tls->Accept(end.socket());
    if (!tls) return nobody(tls.error());
    if (Status secured = end.Secure(std::move(*tls), until); !secured) return nobody(secured.error());
  }
  if (Status asked = end.ReadMessage(request, until); !asked) {
    if (asked.error().code == ErrorCode::kInvalid) return tl::unexpected(asked.error());
    return nobody(asked.error());
  }
  if (!options_.tls) return std::nullopt;
  CROMT_ASSIGN(pki::Certificate caller, options_.tls->PeerOf(*end.tls()));
  return caller;
}

Status BlobLineServer::Send(BlobLineEnd& end, const Blob& blob, const std::optional<pki::Certificate>& caller) const {
  std::string piece;
  for (int64_t at = blob.offset; at < blob.end;) {
    if (caller) CROMT_TRY(options_.tls->Check(*caller));  // he may have been revoked meanwhile
    const int64_t size = std::min(kPieceBytes, blob.end - at);
    if (!end.tls()) {
      CROMT_TRY(end.SendFile(blob.file.get(), at, size, options_.stall));
      at += size;
      continue;
    }
    piece.resize(static_cast<size_t>(size));
    const ssize_t read = ::pread(blob.file.get(), piece.data(), piece.size(), at);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return Fail(ErrorCode::kCorrupt, "the artifact can't be read");
    CROMT_TRY(end.WriteAll({piece.data(), static_cast<size_t>(read)}, options_.stall));
    at += read;
  }
  return end.Flush(options_.stall);
}

}  // namespace cromt
