#include "io/http_server/tls_side.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/freer.h"
#include "io/config/read_file.h"

namespace cromt::http {
namespace {

constexpr size_t kMostPemBytes = 1 << 20;

using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;

BioPtr Reader(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bool UseChain(SSL_CTX* context, const std::string& pem) {
  const BioPtr from = Reader(pem);
  bool any = false;
  while (CertificatePtr one{PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)}) {
    if (any ? SSL_CTX_add1_chain_cert(context, one.get()) != 1 : SSL_CTX_use_certificate(context, one.get()) != 1)
      return false;
    any = true;
  }
  ERR_clear_error();  // of the end
  return any;
}

ContextPtr ContextOf(const std::string& pem) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) return nullptr;
  // A thousand quiet connections hold no buffers, and no session is kept for one that may come back.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  const BioPtr from = Reader(pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr));
  if (!key || !UseChain(context.get(), pem) || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return nullptr;
  return context;
}

class TlsStream final : public Stream {
 public:
  TlsStream(SslPtr ssl, int socket) : ssl_(std::move(ssl)), socket_(socket) {}

  Step Greet() override {
    ERR_clear_error();
    const int done = SSL_accept(ssl_.get());
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
  void EndWriting() override {
    ERR_clear_error();
    if (!broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(socket_, SHUT_WR);
  }

 private:
  Step StepOf(int done) {
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ: return Step::kNeedsInput;
      case SSL_ERROR_WANT_WRITE: return Step::kNeedsOutput;
      default: broken_ = true; return Step::kEnded;
    }
  }

  const SslPtr ssl_;
  const int socket_;
  bool broken_ = false;
};

}  // namespace

struct TlsSide::Context {
  ContextPtr context;
};

TlsSide::TlsSide(std::string identity) : identity_(std::move(identity)), context_(std::make_unique<Context>()) {}
TlsSide::~TlsSide() = default;

Result<std::unique_ptr<TlsSide>> TlsSide::Open(const std::string& identity) {
  std::unique_ptr<TlsSide> side(new TlsSide(identity));
  CROMT_TRY(side->ReadAgain());
  return side;
}

Status TlsSide::ReadAgain() {
  CROMT_ASSIGN(std::string pem, ReadFile(identity_, kMostPemBytes));
  if (pem == read_) return {};
  ContextPtr context = ContextOf(pem);
  ERR_clear_error();
  if (!context) return Fail(ErrorCode::kInvalid, identity_ + ": it has no certificate with its private key");
  context_->context = std::move(context);
  read_ = std::move(pem);
  return {};
}

std::unique_ptr<Stream> TlsSide::Accept(int socket, Mono now, std::string& problem) {
  if (now - looked_at_ >= kReadAgain) {
    looked_at_ = now;
    if (Status again = ReadAgain(); !again) problem = again.error().message;
  }
  SslPtr ssl(SSL_new(context_->context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return nullptr;
  return std::make_unique<TlsStream>(std::move(ssl), socket);
}

}  // namespace cromt::http
