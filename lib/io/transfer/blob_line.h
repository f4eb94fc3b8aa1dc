// The blob line: how artifacts travel between programs of a mesh, on the port of gRPC and beside it, since gRPC copies
// what goes by TLS several times. A connection is one request and one answer:
//
//   from who fetches:  hello [TLS] request
//   from the holder:   hello [TLS] answer bytes
//
//   hello              "CROMTB1\n", in clear; the holder's shows that it knows the line
//   TLS                of a port that has it: 1.3, both ends with their certificates; what follows is within
//   request, answer    GetBlobRequest, GetBlobAnswer, each after its size in 4 bytes, big-endian
//   bytes              unless refused: the blob's, from the request's offset to its end; then the line ends
//
// Here is what both ends share; blob_line_fetch.h and blob_line_server.h are the ends.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "io/stream/tls_context.h"

namespace google::protobuf {
class MessageLite;
}

namespace cromt {
namespace v1 {
class GetBlobAnswer;
}

inline constexpr std::string_view kBlobLineHello = "CROMTB1\n";
inline constexpr size_t kMostLineMessageBytes = 16 << 10;

// One end of a line: moves that block, each with its deadline. One thread, save Cut(). REQUIRES: SIGPIPE is ignored.
class BlobLineEnd {
 public:
  // `socket` is nonblocking.
  explicit BlobLineEnd(UniqueFd socket);

  // Another thread ends it: what blocks returns soon, with an error.
  void Cut();

  // For who has begun to connect: kUnavailable says why it could not be done.
  Status AwaitConnected(Mono until) const;
  // All that is said after it is within `tls`, which is of this socket.
  Status Secure(std::unique_ptr<TlsStream> tls, Mono until);

  // kTimeout at `until`, kUnavailable if the other end has closed or the connection broke.
  Status ReadAll(char* to, size_t size, Mono until);
  // At least one byte; after the first of them no more than `rest` is waited for until there is no more room.
  Result<size_t> ReadSome(char* to, size_t room, Mono until, Duration rest);
  // Fails if for as long as `stall` no byte could be written. By TLS the last bytes may wait for Flush().
  Status WriteAll(std::string_view bytes, Duration stall);
  Status Flush(Duration stall);
  // Of a file, without TLS: the kernel moves them. As WriteAll.
  Status SendFile(int file, int64_t offset, int64_t bytes, Duration stall);
  // kInvalid for one that is larger than kMostLineMessageBytes or is none.
  Status ReadMessage(google::protobuf::MessageLite& to, Mono until);
  Status WriteMessage(const google::protobuf::MessageLite& message, Duration stall);
  void EndWriting() { stream_->EndWriting(); }

  int socket() const { return socket_.get(); }
  const TlsStream* tls() const { return tls_; }

 private:
  Status Await(short events, Mono until) const;
  Error Ended() const;

  const UniqueFd socket_;
  std::unique_ptr<Stream> stream_;
  const TlsStream* tls_ = nullptr;  // stream_, if it is one
};

// A refusal as an answer, and back: success if it is none.
void ToAnswer(const Error& refusal, v1::GetBlobAnswer& answer);
Status FromAnswer(const v1::GetBlobAnswer& answer);

}  // namespace cromt
