#include "io/pki/presented.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "io/pki/certificate.h"
#include "io/pki/openssl.h"

namespace cromt::pki {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<UniqueFd> Dial(const std::string& address, Duration patience) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return Fail(ErrorCode::kInvalid, address + ": write HOST:PORT");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found); error != 0)
    return Fail(ErrorCode::kUnavailable, address + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  Error last{ErrorCode::kUnavailable, address + " has no address"};
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timeval limit{whole.count(), (patience - whole).count()};
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    UniqueFd fd(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // The kernel counts them for connecting as well as for each read and write.
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0) return fd;
    last = ErrnoError("can't connect to " + address, errno);
    last.code = ErrorCode::kUnavailable;
  }
  return tl::unexpected(last);
}

}  // namespace

Result<std::string> PresentedCertificate(const std::string& address, const std::string& fingerprint,
                                         Duration patience) {
  CROMT_ASSIGN(const UniqueFd fd, Dial(address, patience));
  const std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  Must(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  const std::unique_ptr<SSL, Freer<SSL_free>> ssl(SSL_new(context.get()));
  Must(ssl && SSL_set_fd(ssl.get(), fd.get()) == 1);
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
  if (SSL_connect(ssl.get()) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kUnavailable, address +
                                             " does not answer with TLS 1.3: is a coordinator there, and was its "
                                             "mesh founded by 'cromt-coordinator init'?");
  }
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; chain && i < sk_X509_num(chain); ++i) {
    std::string pem = Pem(*sk_X509_value(chain, i));
    const auto prints = Fingerprints(pem);
    if (prints && prints->front() == fingerprint) return pem;
  }
  return Fail(ErrorCode::kDenied, "what answers at " + address +
                                      " is not of the mesh that is meant: no certificate that it shows has the "
                                      "fingerprint " +
                                      fingerprint);
}

}  // namespace cromt::pki
