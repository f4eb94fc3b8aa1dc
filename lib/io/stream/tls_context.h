// TLS 1.3 by OpenSSL, directly on a socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/stream/stream.h"

namespace cromt {

class TlsStream : public Stream {
 public:
  // The certificate that the other end has shown and whose signatures are good, as PEM; empty if there is none.
  virtual std::string Shown() const = 0;
  // Once a step was kEnded: why, in OpenSSL's words or the kernel's. Empty: the other end has closed the connection.
  virtual const std::string& problem() const = 0;
};

// What the streams of one side are made with. A stream outlives its context. Any thread.
class TlsContext {
 public:
  // A server whose clients show no certificate, and whose connections are many and mostly quiet. `identity`: PEM of a
  // private key, its certificate, and those of its authorities. kInvalid if it is not.
  static Result<TlsContext> OfServer(std::string_view identity);
  // Either side of connections whose both ends show a certificate with the signature of one of `authorities` (PEM), and
  // that are few and move much.
  static Result<TlsContext> OfMember(std::string_view identity, std::string_view authorities);

  TlsContext(TlsContext&& other) noexcept;
  TlsContext& operator=(TlsContext&& other) noexcept;
  ~TlsContext();

  // `socket` is nonblocking and stays its caller's. Null only without memory.
  std::unique_ptr<TlsStream> Accept(int socket) const;
  std::unique_ptr<TlsStream> Connect(int socket) const;

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cromt
