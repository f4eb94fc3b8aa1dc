// Who may talk to whom over TLS.
#include "io/rpc/tls.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cromt/v1/coordinator.grpc.pb.h"
#include "io/pki/authority.h"
#include "io/rpc/channel.h"
#include "io/rpc/prepare.h"
#include "io/rpc/server.h"

namespace cromt::rpc {
namespace {

// Says who calls, as the certificate has it.
class WhoCalls final : public v1::CoordinatorService::Service {
 public:
  std::shared_ptr<Tls> tls;
  std::string serial;  // of the last caller's certificate; calls come one after the other

 private:
  grpc::Status ListAgents(grpc::ServerContext* context, const v1::ListAgentsRequest*,
                          v1::ListAgentsResponse* response) override {
    auto peer = tls->PeerOf(*context->auth_context());
    if (!peer) return {grpc::StatusCode::PERMISSION_DENIED, peer.error().message};
    response->add_agents()->set_agent(ToUri(peer->identity));
    serial = peer->serial;
    return grpc::Status::OK;
  }
};

class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { Prepare(); }
  TlsTest() {
    std::string name = testing::TempDir() + "tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    now_ = SystemClock().Read().wall;
    mine_ = *pki::Authority::Make(MeshId("m"), now_);
    Write("ca.pem", mine_->certificate());
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  // The path of a new key and certificate.
  std::string Member(const Identity& who, const pki::Authority& by, Duration lifetime = pki::kLifetime) {
    const std::string key = *pki::NewKey();
    const std::string certificate = *by.Sign(*pki::NewRequest(key), who, now_, lifetime);
    last_serial_ = pki::ReadCertificate(certificate)->serial;
    return Write("member-" + std::to_string(++members_) + ".pem", key + certificate + by.certificate());
  }
  std::string Member(const Identity& who) { return Member(who, *mine_); }
  std::shared_ptr<Tls> Open(const std::string& identity, const std::string& mesh = "m") {
    auto tls = identity.empty() ? Tls::WithoutIdentity(MeshId(mesh), mine_->certificate())
                                : Tls::Open(MeshId(mesh), {identity, folder_ + "/ca.pem"});
    EXPECT_TRUE(tls) << tls.error().message;
    return tls ? *tls : nullptr;
  }
  void Serve(const std::string& identity, bool needed = true, Duration connection_age = std::chrono::hours(1)) {
    service_.tls = Open(identity);
    auto server = Server::Start({&service_},
                                {{.address = "127.0.0.1:0",
                                  .tls = service_.tls,
                                  .certificates_needed = needed,
                                  .connection_age = connection_age}},
                                [](const std::string&) {});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  // What the server makes of the caller, or why the call failed.
  std::string Call(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    auto channel = OpenChannel(server_->addresses()[0], {.credentials = credentials});
    EXPECT_TRUE(channel);
    return CallOn(*channel);
  }
  static std::string CallOn(const std::shared_ptr<grpc::Channel>& channel) {
    auto stub = v1::CoordinatorService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::ListAgentsResponse response;
    const grpc::Status status = stub->ListAgents(&context, {}, &response);
    return status.ok() ? response.agents(0).agent() : "no: " + status.error_message();
  }
  std::string CallAs(const std::string& identity) { return Call(Open(identity)->ToPeer(PeerKind::kCoordinator, "")); }

  const Identity coordinator_{MeshId("m"), PeerKind::kCoordinator, "", false};
  const Identity h1_{MeshId("m"), PeerKind::kAgent, "h1", false};
  std::string folder_;
  Wall now_;
  std::optional<pki::Authority> mine_;
  std::string last_serial_;
  int members_ = 0;
  WhoCalls service_;
  std::unique_ptr<Server> server_;
};

void ExpectNo(const std::string& answer, const std::string& why = "") {
  EXPECT_TRUE(answer.starts_with("no: ") && answer.find(why) != answer.npos) << answer;
}

TEST_F(TlsTest, EachKnowsTheOther) {
  Serve(Member(coordinator_));
  EXPECT_EQ(CallAs(Member(h1_)), "spiffe://m/agent/h1");
}

// As gRPC's own listeners have it: members of a mesh may know each other by either family.
TEST_F(TlsTest, EveryAddressMeansThatOfBothFamilies) {
  service_.tls = Open(Member(coordinator_));
  auto server = Server::Start({&service_}, {{.address = "0.0.0.0:0", .tls = service_.tls}}, [](const std::string&) {});
  ASSERT_TRUE(server) << server.error().message;
  const std::string address = (*server)->addresses()[0];
  EXPECT_TRUE(address.starts_with("0.0.0.0:")) << address;
  const auto credentials = Open(Member(h1_))->ToPeer(PeerKind::kCoordinator, "");
  for (const std::string host : {"127.0.0.1", "[::1]"}) {
    auto channel = OpenChannel(host + address.substr(address.rfind(':')), {.credentials = credentials});
    ASSERT_TRUE(channel);
    EXPECT_EQ(CallOn(*channel), "spiffe://m/agent/h1") << host;
  }
}

TEST_F(TlsTest, AnotherThanWhoIsMeantIsNotTalkedTo) {
  Serve(Member({MeshId("m"), PeerKind::kAgent, "h10", false}));
  auto tls = Open(Member(coordinator_));
  EXPECT_EQ(Call(tls->ToPeer(PeerKind::kAgent, "h10")), "spiffe://m/coordinator");
  ExpectNo(Call(tls->ToPeer(PeerKind::kAgent, "h1")), "agent h1 is meant, and agent h10 answers there");
  ExpectNo(Call(tls->ToPeer(PeerKind::kAgent, "h100")));
  ExpectNo(Call(tls->ToPeer(PeerKind::kAgent, "*")));
  ExpectNo(Call(tls->ToPeer(PeerKind::kCoordinator, "")));
}

TEST_F(TlsTest, WhoHasNoGoodCertificateDoesNotGetIn) {
  Serve(Member(coordinator_));
  const pki::Authority other = *pki::Authority::Make(MeshId("m"), now_);
  ExpectNo(CallAs(Member(h1_, other)));
  ExpectNo(CallAs(Member(h1_, *mine_, -std::chrono::seconds(1))));
  ExpectNo(CallAs(""));
  now_ += std::chrono::hours(2);
  ExpectNo(CallAs(Member(h1_)));  // not valid yet
}

TEST_F(TlsTest, WhereNoCertificateIsNeededABadOneIsRefusedAllTheSame) {
  Serve(Member(coordinator_), false);
  ExpectNo(CallAs(""), "shown no certificate");
  EXPECT_EQ(CallAs(Member(h1_)), "spiffe://m/agent/h1");
  ExpectNo(CallAs(Member(h1_, *pki::Authority::Make(MeshId("m"), now_))));
}

TEST_F(TlsTest, AnotherMeshOfTheSameAuthorityIsNotOurs) {
  Serve(Member(coordinator_));
  const std::string member = Member({MeshId("n"), PeerKind::kAgent, "h1", false});
  auto tls = Tls::Open(MeshId("n"), {member, folder_ + "/ca.pem"});
  ASSERT_TRUE(tls);
  ExpectNo(Call((*tls)->ToPeer(PeerKind::kCoordinator, "")), "is of mesh");
  EXPECT_FALSE(Tls::Open(MeshId("m"), {member, folder_ + "/ca.pem"}));
}

TEST_F(TlsTest, WhatIsRevokedIsRefusedOnOpenConnections) {
  Serve(Member(coordinator_));
  const std::string member = Member(h1_);
  const std::string serial = last_serial_;
  auto tls = Open(member);
  auto channel = OpenChannel(server_->addresses()[0], {.credentials = tls->ToPeer(PeerKind::kCoordinator, "")});
  ASSERT_TRUE(channel);
  EXPECT_EQ(CallOn(*channel), "spiffe://m/agent/h1");
  service_.tls->Revoke({serial});
  ExpectNo(CallOn(*channel), "was revoked");
  EXPECT_EQ(CallAs(Member(h1_)), "spiffe://m/agent/h1");  // another serial
}

// Else a busy connection would be refused once the certificate has expired with which it began.
TEST_F(TlsTest, ARenewedCertificateIsShownThoughTheConnectionIsNeverIdle) {
  Serve(Member(coordinator_), true, milliseconds(100));
  const std::string member = Member(h1_);
  auto channel =
      OpenChannel(server_->addresses()[0], {.credentials = Open(member)->ToPeer(PeerKind::kCoordinator, "")});
  ASSERT_TRUE(channel);
  EXPECT_EQ(CallOn(*channel), "spiffe://m/agent/h1");
  const std::string renewed = Member(h1_);
  const std::string serial = last_serial_;
  std::filesystem::rename(renewed, member);
  const Mono deadline = SystemClock().Read().mono + seconds(30);
  while (service_.serial != serial && SystemClock().Read().mono < deadline)
    ASSERT_EQ(CallOn(*channel), "spiffe://m/agent/h1");
  EXPECT_EQ(service_.serial, serial);
}

TEST_F(TlsTest, AServerThatIsRevokedIsNotTalkedTo) {
  Serve(Member(h1_));
  auto tls = Open(Member(coordinator_));
  service_.tls.reset();
  const std::string serial = [&] {
    std::ifstream file(folder_ + "/member-1.pem");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    return pki::ReadCertificate(text)->serial;
  }();
  tls->Revoke({serial});
  ExpectNo(Call(tls->ToPeer(PeerKind::kAgent, "h1")), "was revoked");
}

TEST_F(TlsTest, PlaintextIsNotAnswered) {
  Serve(Member(coordinator_));
  ExpectNo(Call(nullptr));
}

// Shakes hands by OpenSSL itself, offering at most `version`.
bool ShakesHands(const std::string& address, int version) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context, h2, sizeof h2);
  SSL* ssl = SSL_new(context);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  SSL_set_fd(ssl, fd);
  const bool done = SSL_connect(ssl) == 1;
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(fd);
  return done;
}

TEST_F(TlsTest, OlderVersionsThan13AreRefused) {
  Serve(Member(coordinator_), false);
  EXPECT_TRUE(ShakesHands(server_->addresses()[0], TLS1_3_VERSION));
  EXPECT_FALSE(ShakesHands(server_->addresses()[0], TLS1_2_VERSION));
  EXPECT_FALSE(ShakesHands(server_->addresses()[0], TLS1_1_VERSION));
  EXPECT_FALSE(ShakesHands(server_->addresses()[0], TLS1_VERSION));
}

TEST_F(TlsTest, FilesThatDoNotFitAreRefused) {
  const std::string member = Member(h1_);
  const std::string ca = folder_ + "/ca.pem";
  EXPECT_EQ(Tls::Open(MeshId("m"), {folder_ + "/none", ca}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Tls::Open(MeshId("m"), {member, folder_ + "/none"}).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(Tls::Open(MeshId("m"), {ca, ca}));
  EXPECT_FALSE(Tls::Open(MeshId("m"), {member, Write("empty", "")}));
  std::ifstream file(member);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  text.replace(0, text.find("-----BEGIN CERTIFICATE"), *pki::NewKey());
  EXPECT_FALSE(Tls::Open(MeshId("m"), {Write("foreign-key", text), ca}));
}

}  // namespace
}  // namespace cromt::rpc
