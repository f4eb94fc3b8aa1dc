// TLS of the server's side: which versions, which certificate, and that plaintext is not answered.
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/freer.h"
#include "base/unique_fd.h"
#include "io/http_server/server.h"
#include "io/http_server/tls_side.h"
#include "io/pki/authority.h"
#include "tests/unit/http_server/client.h"

namespace cromt::http {
namespace {

using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

class HttpTlsTest : public testing::Test {
 protected:
  HttpTlsTest() {
    std::string name = testing::TempDir() + "http-tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ + "/identity.pem";
    context_.reset(SSL_CTX_new(TLS_client_method()));
    Renew();
  }
  ~HttpTlsTest() override { std::filesystem::remove_all(folder_); }

  // The serial of the certificate that the file has now.
  void Renew() {
    const Wall now = SystemClock().Read().wall;
    const std::string key = *pki::NewKey();
    const std::string certificate =
        *authority_->Sign(*pki::NewRequest(key), {MeshId("m"), PeerKind::kCoordinator, "", false}, now);
    std::ofstream(file_) << key << certificate << authority_->certificate();
    serial_ = pki::ReadCertificate(certificate)->serial;
  }
  // What a client sees whose connection this is.
  std::string SerialAt(TlsSide& side, Mono now, std::string& problem) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd ours(ends[0]), theirs(ends[1]);
    const auto stream = side.Accept(ours.get(), now, problem);
    const SslPtr client(SSL_new(context_.get()));
    SSL_set_fd(client.get(), theirs.get());
    for (int i = 0; i < 100; ++i) {
      const bool connected = SSL_connect(client.get()) == 1;
      if (stream->Greet() == Stream::Step::kMoved && connected) break;
    }
    return SerialOf(client.get());
  }
  static std::string SerialOf(SSL* client) {
    X509* shown = SSL_get0_peer_certificate(client);
    if (!shown) return "none";
    BIO* text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, shown);
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(text, &data));
    const std::string serial = pki::ReadCertificate({data, size})->serial;
    BIO_free(text);
    return serial;
  }

  const Result<pki::Authority> authority_ = pki::Authority::Make(MeshId("m"), SystemClock().Read().wall);
  std::string folder_;
  std::string file_;
  std::string serial_;
  ContextPtr context_;
};

TEST_F(HttpTlsTest, ANewCertificateIsShownWithoutARestart) {
  auto side = TlsSide::Open(file_);
  ASSERT_TRUE(side) << side.error().message;
  const Mono now = SystemClock().Read().mono;
  std::string problem;
  const std::string first = serial_;
  EXPECT_EQ(SerialAt(**side, now, problem), first);
  Renew();
  EXPECT_EQ(SerialAt(**side, now, problem), first) << "it was looked at just before";
  EXPECT_EQ(SerialAt(**side, now + TlsSide::kReadAgain, problem), serial_);
  EXPECT_EQ(problem, "");
  std::ofstream(file_) << "half of";
  EXPECT_EQ(SerialAt(**side, now + 2 * TlsSide::kReadAgain, problem), serial_) << "the one before is good";
  EXPECT_THAT(problem, ::testing::HasSubstr(file_));
  EXPECT_FALSE(TlsSide::Open(file_)) << "at a start that is no way to go on";
}

TEST_F(HttpTlsTest, NothingButTls13IsSpoken) {
  auto server = Server::Start(
      {.address = "127.0.0.1:0",
       .insecure = false,
       .identity = file_,
       .limits = {.head = milliseconds(500)},
       .warn = {}},
      {{"GET", "/quick", false, [](const Request&, const PathParts&) { return Response{.body = "quick\n"}; }}});
  ASSERT_TRUE(server) << server.error().message;
  const std::string get = "GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

  Client plain((*server)->address());
  plain.Say(get);
  EXPECT_THAT(plain.HearAll(), ::testing::Not(::testing::HasSubstr("HTTP")));
  Client silent((*server)->address());
  EXPECT_EQ(silent.HearAll(), "");

  for (const bool old : {true, false}) {
    Client client((*server)->address());
    SSL_CTX_set_max_proto_version(context_.get(), old ? TLS1_2_VERSION : TLS1_3_VERSION);
    const SslPtr ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), client.socket());
    EXPECT_EQ(SSL_connect(ssl.get()) == 1, !old);
    if (old) continue;
    EXPECT_EQ(SerialOf(ssl.get()), serial_);
    ASSERT_GT(SSL_write(ssl.get(), get.data(), static_cast<int>(get.size())), 0);
    std::string heard;
    char bytes[4096];
    for (int count = 0; (count = SSL_read(ssl.get(), bytes, sizeof bytes)) > 0;)
      heard.append(bytes, static_cast<size_t>(count));
    EXPECT_THAT(heard, ::testing::EndsWith("quick\n"));
    EXPECT_EQ(SSL_get_shutdown(ssl.get()), SSL_RECEIVED_SHUTDOWN) << "an end that nobody has cut short";
  }
}

}  // namespace
}  // namespace cromt::http
