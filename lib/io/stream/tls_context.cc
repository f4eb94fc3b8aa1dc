#include "io/stream/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/freer.h"

namespace cromt {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;

// Of streams that move much, each way: many records at a time to and from the kernel, which else would wake up the
// other end for each.
constexpr int kBufferBytes = 128 << 10;

BioPtr Reader(std::string_view pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// No key of ours has a password, and nobody is to be asked for one.
int NoPassword(char*, int, int, void*) {
  return -1;
}

// Calls `use` with each certificate in `pem`, in order, until it returns false. False then, or if there is none.
template <class F>
bool ForEachCertificate(std::string_view pem, F use) {
  const BioPtr from = Reader(pem);
  bool any = false;
  while (CertificatePtr one{PEM_read_bio_X509(from.get(), nullptr, NoPassword, nullptr)}) {
    if (!use(one.get())) return false;
    any = true;
  }
  ERR_clear_error();  // of the end
  return any;
}

bool UseIdentity(SSL_CTX* context, std::string_view pem) {
  const KeyPtr key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, NoPassword, nullptr));
  bool is_first = true;
  const bool chain = ForEachCertificate(pem, [&](X509* one) {
    return (std::exchange(is_first, false) ? SSL_CTX_use_certificate(context, one)
                                           : SSL_CTX_add1_chain_cert(context, one)) == 1;
  });
  return key && chain && SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
}

Result<ContextPtr> Make(std::string_view identity) {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return Fail(ErrorCode::kInternal, "OpenSSL has no TLS 1.3");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // No session is kept for one that may come back.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  const bool good = UseIdentity(context.get(), identity);
  ERR_clear_error();
  if (!good) return Fail(ErrorCode::kInvalid, "it has no certificate with its private key");
  return context;
}

class OpenSslStream final : public TlsStream {
 public:
  OpenSslStream(SslPtr ssl, int socket) : ssl_(std::move(ssl)), socket_(socket) {}

  Step Greet() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    return done == 1 ? Step::kMoved : StepOf(done);
  }
  Move Read(char* to, size_t room) override {
    ERR_clear_error();
    size_t count = 0;
    const int done = SSL_read_ex(ssl_.get(), to, room, &count);
    return done == 1 ? Move{Step::kMoved, count} : Move{StepOf(done), 0};
  }
  Move Write(std::string_view bytes) override {
    ERR_clear_error();
    size_t count = 0;
    const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return done == 1 ? Move{Step::kMoved, count} : Move{StepOf(done), 0};
  }
  Step Flush() override {
    ERR_clear_error();
    BIO* out = SSL_get_wbio(ssl_.get());
    if (BIO_flush(out) == 1) return Step::kMoved;
    if (BIO_should_retry(out)) return Step::kNeedsOutput;
    Broke(SSL_ERROR_SYSCALL, errno);
    return Step::kEnded;
  }
  void EndWriting() override {
    ERR_clear_error();
    if (!broken_) SSL_shutdown(ssl_.get());
    if (!broken_) (void)BIO_flush(SSL_get_wbio(ssl_.get()));
    ERR_clear_error();
    ::shutdown(socket_, SHUT_WR);
  }
  std::string Shown() const override {
    X509* shown = SSL_get0_peer_certificate(ssl_.get());
    if (!shown || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return "";
    const BioPtr text(BIO_new(BIO_s_mem()));
    if (!text || PEM_write_bio_X509(text.get(), shown) != 1) return "";
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(text.get(), &data));
    return {data, size};
  }
  const std::string& problem() const override { return problem_; }

 private:
  Step StepOf(int done) {
    const int because = errno;
    switch (const int error = SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ: return Step::kNeedsInput;
      case SSL_ERROR_WANT_WRITE: return Step::kNeedsOutput;
      default: Broke(error, because); return Step::kEnded;
    }
  }
  void Broke(int error, int because) {
    broken_ = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
    if (error == SSL_ERROR_SYSCALL && because != 0) problem_ = std::strerror(because);
    if (error != SSL_ERROR_SSL) return;
    const unsigned long last = ERR_peek_last_error();
    if (ERR_GET_REASON(last) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return;
    if (const long verified = SSL_get_verify_result(ssl_.get()); verified != X509_V_OK)
      problem_ = std::string("its certificate is not believed: ") + X509_verify_cert_error_string(verified);
    else if (const char* reason = ERR_reason_error_string(last))
      problem_ = reason;
    else
      problem_ = "it does not speak TLS 1.3";
  }

  const SslPtr ssl_;
  const int socket_;
  bool broken_ = false;
  std::string problem_;
};

}  // namespace

struct TlsContext::Impl {
  ContextPtr context;
  bool moves_much = false;

  std::unique_ptr<TlsStream> Open(int socket, void (*begin)(SSL*)) const {
    SslPtr ssl(SSL_new(context.get()));
    BioPtr bytes(BIO_new_socket(socket, BIO_NOCLOSE));
    if (!ssl || !bytes) return nullptr;
    if (moves_much) {
      BioPtr buffer(BIO_new(BIO_f_buffer()));
      if (!buffer || BIO_set_buffer_size(buffer.get(), kBufferBytes) != 1) return nullptr;
      bytes.reset(BIO_push(buffer.release(), bytes.release()));
    }
    BIO* both = bytes.release();
    SSL_set_bio(ssl.get(), both, both);
    begin(ssl.get());
    return std::make_unique<OpenSslStream>(std::move(ssl), socket);
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext> TlsContext::OfServer(std::string_view identity) {
  CROMT_ASSIGN(ContextPtr context, Make(identity));
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // a thousand quiet connections hold none
  return TlsContext(std::make_unique<Impl>(Impl{std::move(context)}));
}

Result<TlsContext> TlsContext::OfMember(std::string_view identity, std::string_view authorities) {
  CROMT_ASSIGN(ContextPtr context, Make(identity));
  SSL_CTX* raw = context.get();
  X509_STORE* believed = SSL_CTX_get_cert_store(raw);
  const bool good = ForEachCertificate(authorities, [&](X509* one) { return X509_STORE_add_cert(believed, one) == 1; });
  ERR_clear_error();
  if (!good) return Fail(ErrorCode::kInvalid, "it has no authority's certificate");
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // The fastest first where the processor knows AES, as those of the last ten years do.
  if (SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1)
    return Fail(ErrorCode::kInternal, "OpenSSL lacks ciphers of TLS 1.3");
  return TlsContext(std::make_unique<Impl>(Impl{std::move(context), /*moves_much=*/true}));
}

std::unique_ptr<TlsStream> TlsContext::Accept(int socket) const {
  return impl_->Open(socket, SSL_set_accept_state);
}

std::unique_ptr<TlsStream> TlsContext::Connect(int socket) const {
  return impl_->Open(socket, SSL_set_connect_state);
}

}  // namespace cromt
