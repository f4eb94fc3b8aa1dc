// The server's side of TLS 1.3, with a certificate from a file that is read again when it changes. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/stream/tls_context.h"

namespace cromt::http {

class TlsSide {
 public:
  // So long it takes at most until what changed in the file is shown.
  static constexpr Duration kReadAgain = seconds(5);

  // `identity`: PEM of a private key, its certificate, and those of its authorities.
  static Result<std::unique_ptr<TlsSide>> Open(const std::string& identity);

  // Of a new connection. A file that can't be used now leaves the certificate that was good before; `problem` says so
  // then.
  std::unique_ptr<Stream> Accept(int socket, Mono now, std::string& problem);

 private:
  explicit TlsSide(std::string identity) : identity_(std::move(identity)) {}
  Status ReadAgain();

  const std::string identity_;
  std::string read_;  // what the file held
  Mono looked_at_{};
  std::optional<TlsContext> context_;
};

}  // namespace cromt::http
