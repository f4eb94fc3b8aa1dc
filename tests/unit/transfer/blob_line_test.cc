// Both ends of the blob line, and what strangers may do to it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "cromt/v1/agent.pb.h"
#include "io/pki/authority.h"
#include "io/transfer/blob_line_fetch.h"
#include "io/transfer/blob_line_server.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Duration kCap = seconds(30);

// Holds within the cap, or does not.
template <class F>
bool Becomes(F holds) {
  const Mono until = SystemClock().Read().mono + kCap;
  while (!holds())
    if (SystemClock().Read().mono > until) return false;
  return true;
}

UniqueFd Dial(uint16_t port, const char* from = "127.0.0.1") {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &address.sin_addr);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

// The other end has closed it, whatever it has said before.
bool IsClosed(int fd) {
  char some[512];
  ssize_t count;
  while ((count = ::recv(fd, some, sizeof some, 0)) > 0) continue;
  return count == 0 || (errno != EAGAIN && errno != EINTR);
}

// Takes connections to a server, as a listener does.
class Port {
 public:
  explicit Port(BlobLineServer& server) : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::listen(listening_.get(), 1024);
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
    thread_ = std::thread([this, &server] {
      for (;;) {
        UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) return;
        ++accepted_;
        server.Take(std::move(fd));
      }
    });
  }
  ~Port() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t number() const { return number_; }
  size_t accepted() const { return accepted_; }

 private:
  UniqueFd listening_;
  uint16_t number_ = 0;
  std::atomic<size_t> accepted_ = 0;
  std::thread thread_;
};

class BlobLineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }  // as all our programs do
  BlobLineTest() {
    std::string name = testing::TempDir() + "line-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    now_ = SystemClock().Read().wall;
    authority_ = *pki::Authority::Make(MeshId("m"), now_);
    Write("ca.pem", authority_->certificate());
    store_ = *BlobStore::Open(folder_ + "/blobs");
    for (int i = 0; i < 400'000; ++i) bytes_ += std::to_string(i);
    Write("blob", bytes_);
  }
  ~BlobLineTest() override {
    server_.reset();
    port_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/new", std::ios::binary) << text;
    std::filesystem::rename(folder_ + "/new", folder_ + "/" + name);
    return folder_ + "/" + name;
  }
  std::string Member(const Identity& who, const pki::Authority& by) {
    const std::string key = *pki::NewKey();
    const std::string certificate = *by.Sign(*pki::NewRequest(key), who, now_);
    last_serial_ = pki::ReadCertificate(certificate)->serial;
    return Write("member-" + std::to_string(++members_) + ".pem", key + certificate + by.certificate());
  }
  std::shared_ptr<rpc::MeshTls> Tls(const std::string& identity, const std::string& authorities = "ca.pem") {
    return std::make_shared<rpc::MeshTls>(MeshId("m"), rpc::TlsFiles{identity, folder_ + "/" + authorities});
  }
  static Identity Agent(const std::string& name, const std::string& mesh = "m") {
    return {MeshId(mesh), PeerKind::kAgent, name, false};
  }
  // Two members: h1 holds, h2 fetches.
  void Secured() {
    options_.tls = Tls(Member(Agent("h1"), *authority_));
    fetcher_ = Tls(Member(Agent("h2"), *authority_));
    fetchers_serial_ = last_serial_;
  }
  void Serve() {
    options_.denied = [this](const std::string& from, const Error& why) {
      MutexLock lock(mutex_);
      denied_ += from + ": " + why.message + "\n";
    };
    server_ =
        std::make_unique<BlobLineServer>([this](const BlobLineServer::Caller& caller,
                                                const v1::GetBlobRequest& request) { return Open(caller, request); },
                                         options_);
    port_ = std::make_unique<Port>(*server_);
  }
  Result<BlobLineServer::Blob> Open(const BlobLineServer::Caller& caller, const v1::GetBlobRequest& request) {
    MutexLock lock(mutex_);
    asked_ = request;
    caller_ = caller ? ToUri(*caller) : "somebody";
    if (refusal_) return tl::unexpected(*refusal_);
    ++places_;
    BlobLineServer::Blob blob{UniqueFd(::open((folder_ + "/blob").c_str(), O_RDONLY | O_CLOEXEC)), request.offset()};
    blob.end = static_cast<int64_t>(std::filesystem::file_size(folder_ + "/blob"));
    blob.place = std::shared_ptr<void>(nullptr, [this](std::nullptr_t) { --places_; });
    return blob;
  }

  LeaseInput Input(const std::string& holder = "h1") {
    return {"x",
            {"x", {Sha256Hex(bytes_), static_cast<int64_t>(bytes_.size())}, false, ""},
            AgentId(holder),
            "127.0.0.1:" + std::to_string(port_->number()),
            "hostA",
            {AgentId("h2"), Wall(seconds(1)), "t"}};
  }
  // "" = it has come whole; else why not.
  std::string Fetch(const LeaseInput& input, size_t has = 0) {
    BlobWriter writer = *store_->Write();
    EXPECT_TRUE(writer.Append(std::string_view(bytes_).substr(0, has)));
    BlobLineFetch fetch(input, writer, {.tls = fetcher_, .first_byte = seconds(20)});
    const Status ended = fetch.Wait({.stall = seconds(20), .first_byte = seconds(20)}, [] { return false; });
    if (!fetch.is_known()) return "not known: " + ended.error().message;
    if (!ended) return ended.error().message;
    if (!fetch.written()) return fetch.written().error().message;
    const auto digest = writer.Commit(input.artifact.digest);
    return digest ? "" : digest.error().message;
  }
  std::string Fetch() { return Fetch(Input()); }
  // By hand: up to the answer, which has to be no refusal.
  std::unique_ptr<BlobLineEnd> Asked() {
    auto end = std::make_unique<BlobLineEnd>(Dial(port_->number()));
    const Mono until = SystemClock().Read().mono + kCap;
    char hello[8];
    EXPECT_TRUE(end->WriteAll(kBlobLineHello, kCap) && end->ReadAll(hello, sizeof hello, until));
    if (fetcher_) {
      EXPECT_TRUE(end->Secure(*fetcher_->Connect(end->socket()), until));
    }
    v1::GetBlobAnswer answer;
    EXPECT_TRUE(end->WriteMessage(v1::GetBlobRequest(), kCap) && end->ReadMessage(answer, until));
    EXPECT_EQ(answer.reason(), "");
    return end;
  }
  // With what an answer to these bytes, after the hello, begins; in plaintext.
  v1::GetBlobAnswer AnswerTo(const std::string& said) {
    BlobLineEnd end(Dial(port_->number()));
    char hello[8];
    v1::GetBlobAnswer answer;
    EXPECT_TRUE(end.WriteAll(std::string(kBlobLineHello) + said, kCap));
    EXPECT_TRUE(end.ReadAll(hello, sizeof hello, SystemClock().Read().mono + kCap));
    EXPECT_TRUE(end.ReadMessage(answer, SystemClock().Read().mono + kCap));
    return answer;
  }
  std::string denied() {
    MutexLock lock(mutex_);
    return denied_;
  }

  std::string folder_;
  Wall now_;
  std::optional<pki::Authority> authority_;
  std::unique_ptr<BlobStore> store_;
  std::string bytes_, last_serial_, fetchers_serial_;
  int members_ = 0;
  BlobLineServer::Options options_;
  std::shared_ptr<rpc::MeshTls> fetcher_;
  std::optional<Error> refusal_;
  std::atomic<int> places_ = 0;
  Mutex mutex_;
  v1::GetBlobRequest asked_;
  std::string caller_, denied_;
  std::unique_ptr<BlobLineServer> server_;
  std::unique_ptr<Port> port_;  // goes first
};

TEST_F(BlobLineTest, AWholeBlobInPlaintext) {
  Serve();
  EXPECT_EQ(Fetch(), "");
  EXPECT_EQ(caller_, "somebody");
  EXPECT_EQ(asked_.agent(), "h1");
  EXPECT_EQ(asked_.ticket().consumer(), "h2");
}

TEST_F(BlobLineTest, AWholeBlobByTls) {
  Secured();
  Serve();
  EXPECT_EQ(Fetch(), "");
  EXPECT_EQ(caller_, "spiffe://m/agent/h2");
  EXPECT_TRUE(Becomes([&] { return places_ == 0; }));
}

TEST_F(BlobLineTest, WhatIsThereIsNotAskedForAgain) {
  Secured();
  Serve();
  EXPECT_EQ(Fetch(Input(), 1'234'567), "");
  EXPECT_EQ(asked_.offset(), 1'234'567);
  EXPECT_EQ(Fetch(Input(), bytes_.size()), "");
}

TEST_F(BlobLineTest, ARefusalComesWithItsWordsAndIsTold) {
  Secured();
  Serve();
  refusal_ = Error{ErrorCode::kDenied, "not yours"};
  EXPECT_EQ(Fetch(), "not yours");
  EXPECT_THAT(denied(), StartsWith("127.0.0.1:"));
  EXPECT_THAT(denied(), HasSubstr(": not yours"));
  refusal_ = Error{ErrorCode::kExhausted, "too many"};
  EXPECT_EQ(Fetch(), "too many");
  EXPECT_THAT(denied(), Not(HasSubstr("too many")));
}

TEST_F(BlobLineTest, EachKindOfErrorArrivesAsWhatItIs) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Error error{static_cast<ErrorCode>(code), "words"};
    v1::GetBlobAnswer answer;
    ToAnswer(error, answer);
    EXPECT_EQ(FromAnswer(answer).error(), error);
  }
  EXPECT_TRUE(FromAnswer({}));
}

TEST_F(BlobLineTest, AnotherThanWhoIsMeantIsNotAsked) {
  Secured();
  Serve();
  EXPECT_EQ(Fetch(Input("h10")), "agent h10 is meant, and agent h1 answers there");
  EXPECT_EQ(caller_, "");
}

TEST_F(BlobLineTest, AForeignAuthorityIsBelievedByNeitherEnd) {
  Secured();
  Serve();
  const pki::Authority other = *pki::Authority::Make(MeshId("m"), now_);
  Write("other.pem", other.certificate());
  fetcher_ = Tls(Member(Agent("h2"), other));
  EXPECT_THAT(Fetch(), HasSubstr("the connection broke (")) << "the holder does not believe";
  fetcher_ = Tls(Member(Agent("h2"), *authority_), "other.pem");
  EXPECT_THAT(Fetch(), HasSubstr("its certificate is not believed"));
  EXPECT_EQ(caller_, "");
}

TEST_F(BlobLineTest, AnotherMeshOfTheSameAuthorityIsDenied) {
  Secured();
  Serve();
  const std::string member = Member(Agent("h2", "n"), *authority_);
  fetcher_ = Tls(member);
  EXPECT_THAT(Fetch(), HasSubstr("is of mesh n, and this is mesh m"));
  EXPECT_THAT(denied(), HasSubstr("is of mesh n"));
  EXPECT_EQ(caller_, "");
}

TEST_F(BlobLineTest, WhoIsRevokedIsDeniedAndWhoIsRevokedMeanwhileIsLeft) {
  Secured();
  Serve();
  std::filesystem::resize_file(folder_ + "/blob", 256 << 20);  // more than any socket holds
  const auto end = Asked();
  options_.tls->Revoke({fetchers_serial_});
  std::string some(1 << 20, '\0');
  size_t came = 0;
  while (const auto count = end->ReadSome(some.data(), some.size(), SystemClock().Read().mono + kCap, seconds(1)))
    came += *count;
  EXPECT_LT(came, size_t{256} << 20);
  EXPECT_THAT(Fetch(), HasSubstr("was revoked"));
  EXPECT_THAT(denied(), HasSubstr("was revoked"));
}

TEST_F(BlobLineTest, AHolderThatIsRevokedIsNotAsked) {
  Secured();
  const std::string serial = last_serial_;
  options_.tls = Tls(Member(Agent("h1"), *authority_));
  Serve();
  fetcher_->Revoke({last_serial_});
  EXPECT_THAT(Fetch(), HasSubstr("was revoked"));
  EXPECT_EQ(caller_, "");
}

TEST_F(BlobLineTest, AnAuthorityThatIsNewInTheFileIsBelievedWithoutARestart) {
  Secured();
  const pki::Authority next = *pki::Authority::Make(MeshId("m"), now_);
  Write("believed.pem", authority_->certificate());
  options_.tls = Tls(Member(Agent("h1"), *authority_), "believed.pem");
  Serve();
  EXPECT_EQ(Fetch(), "");
  fetcher_ = Tls(Member(Agent("h2"), next));
  EXPECT_NE(Fetch(), "");
  Write("believed.pem", authority_->certificate() + next.certificate());
  EXPECT_TRUE(Becomes([&] { return Fetch() == ""; }));
}

TEST_F(BlobLineTest, WhoseHelloIsAnotherIsLeft) {
  Serve();
  for (const std::string& said : {std::string("CROMTB2\n"), std::string("CONNECT x"), std::string(500, 'C')}) {
    const UniqueFd fd = Dial(port_->number());
    ASSERT_GT(::send(fd.get(), said.data(), said.size(), MSG_NOSIGNAL), 0);
    EXPECT_TRUE(Becomes([&] { return IsClosed(fd.get()); }));
  }
  EXPECT_EQ(Fetch(), "");
}

TEST_F(BlobLineTest, AHolderThatSaysAnotherHelloIsNotKnown) {
  const UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listening.get(), 1);
  ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::thread other([&] {
    const UniqueFd fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::send(fd.get(), "HTTP/1.1 400 no", 15, MSG_NOSIGNAL);
  });
  Serve();
  LeaseInput input = Input();
  input.address = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_THAT(Fetch(input), StartsWith("not known: "));
  other.join();
}

TEST_F(BlobLineTest, WhatIsNoRequestIsRefusedInWords) {
  Serve();
  using std::string_literals::operator""s;
  for (const std::string& said : {"\xff\xff\xff\xff"s, "\0\0\x40\x01"s, "\0\0\0\x04rest"s}) {
    const v1::GetBlobAnswer answer = AnswerTo(said);
    EXPECT_EQ(answer.refusal(), v1::GetBlobAnswer::INVALID);
    EXPECT_THAT(answer.reason(), StartsWith("what was said on the blob line is "));
  }
  EXPECT_EQ(caller_, "");
  EXPECT_EQ(Fetch(), "");
}

TEST_F(BlobLineTest, PlaintextIsNotAnsweredWhereThereIsTls) {
  Secured();
  Serve();
  const UniqueFd fd = Dial(port_->number());
  const std::string said = std::string(kBlobLineHello) + std::string(16, '\0');
  ASSERT_GT(::send(fd.get(), said.data(), said.size(), MSG_NOSIGNAL), 0);
  EXPECT_TRUE(Becomes([&] { return IsClosed(fd.get()); }));
  EXPECT_EQ(caller_, "");
}

// Shakes hands by OpenSSL itself, with a member's certificate or none; true if the holder then answers.
bool IsAnswered(uint16_t port, int version, const std::string& identity) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  if (!identity.empty()) {
    SSL_CTX_use_certificate_chain_file(context, identity.c_str());
    SSL_CTX_use_PrivateKey_file(context, identity.c_str(), SSL_FILETYPE_PEM);
  }
  UniqueFd fd = Dial(port);
  ::fcntl(fd.get(), F_SETFL, 0);
  char hello[8];
  EXPECT_EQ(::send(fd.get(), kBlobLineHello.data(), kBlobLineHello.size(), MSG_NOSIGNAL), 8);
  EXPECT_EQ(::recv(fd.get(), hello, sizeof hello, MSG_WAITALL), 8);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd.get());
  const bool shaken = SSL_connect(ssl) == 1 && SSL_write(ssl, "\0\0\0\0", 4) == 4 && SSL_read(ssl, hello, 4) > 0;
  SSL_free(ssl);
  SSL_CTX_free(context);
  return shaken;
}

TEST_F(BlobLineTest, OlderVersionsThan13AndWhoShowsNothingAreNotAnswered) {
  Secured();
  const std::string member = Member(Agent("h2"), *authority_);
  Serve();
  EXPECT_TRUE(IsAnswered(port_->number(), TLS1_3_VERSION, member));
  EXPECT_FALSE(IsAnswered(port_->number(), TLS1_2_VERSION, member));
  EXPECT_FALSE(IsAnswered(port_->number(), TLS1_3_VERSION, ""));
}

TEST_F(BlobLineTest, WhoReadsNothingIsLeft) {
  Secured();
  options_.stall = milliseconds(200);
  Serve();
  std::filesystem::resize_file(folder_ + "/blob", 256 << 20);
  const auto end = Asked();
  EXPECT_TRUE(Becomes([&] { return places_ == 0; }));
}

TEST_F(BlobLineTest, DrippingBytesGainNoTime) {
  options_.greeting = milliseconds(300);
  Serve();
  const UniqueFd fd = Dial(port_->number());
  ::send(fd.get(), "CROMTB1\n\0\0\x40\0", 12, MSG_NOSIGNAL);
  EXPECT_TRUE(Becomes([&] {
    ::send(fd.get(), "x", 1, MSG_NOSIGNAL);
    pollfd closed{fd.get(), POLLIN, 0};
    ::poll(&closed, 1, 10);
    return IsClosed(fd.get());
  }));
  EXPECT_EQ(caller_, "");
}

TEST_F(BlobLineTest, ManyThatAskForNothingLockNobodyOut) {
  Secured();
  Serve();
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i < 4 * BlobLineServer::kGreeting; ++i) {
    silent.push_back(Dial(port_->number()));
    ::send(silent.back().get(), "C", 1, MSG_NOSIGNAL);
  }
  EXPECT_TRUE(Becomes([&] { return port_->accepted() == silent.size(); }));
  EXPECT_EQ(Fetch(), "");
  EXPECT_TRUE(Becomes([&] { return IsClosed(silent.front().get()); })) << "the oldest make room";
  EXPECT_FALSE(IsClosed(silent.back().get()));
}

TEST_F(BlobLineTest, WhoOpensManyGetsInHisOwnWayOnly) {
  Serve();
  const UniqueFd slow = Dial(port_->number());
  ::send(slow.get(), "C", 1, MSG_NOSIGNAL);
  ASSERT_TRUE(Becomes([&] { return port_->accepted() == 1; }));
  std::vector<UniqueFd> flood;
  for (size_t i = 0; i < 3 * BlobLineServer::kGreeting; ++i) flood.push_back(Dial(port_->number(), "127.0.0.2"));
  ASSERT_TRUE(Becomes([&] { return port_->accepted() == 1 + flood.size(); }));
  EXPECT_TRUE(Becomes([&] { return IsClosed(flood.front().get()); }));
  ::send(slow.get(), "ROMTB1\n", 7, MSG_NOSIGNAL);
  char hello[8];
  EXPECT_TRUE(Becomes([&] { return ::recv(slow.get(), hello, sizeof hello, 0) == 8; })) << "it is still there";
}

TEST_F(BlobLineTest, ItsEndEndsAllOfItAtOnce) {
  Secured();
  Serve();
  std::filesystem::resize_file(folder_ + "/blob", 256 << 20);
  const auto served = Asked();
  const UniqueFd greeting = Dial(port_->number());
  ::send(greeting.get(), "C", 1, MSG_NOSIGNAL);
  ASSERT_TRUE(Becomes([&] { return port_->accepted() == 2; }));
  const Mono before = SystemClock().Read().mono;
  port_.reset();
  server_.reset();
  EXPECT_LT(SystemClock().Read().mono - before, seconds(5));
  EXPECT_EQ(places_, 0);
}

TEST_F(BlobLineTest, WhoFetchesCanStop) {
  Secured();
  Serve();
  std::filesystem::resize_file(folder_ + "/blob", 256 << 20);
  LeaseInput input = Input();
  input.artifact.digest.size_bytes = 256 << 20;
  BlobWriter writer = *store_->Write();
  BlobLineFetch fetch(input, writer, {.tls = fetcher_});
  EXPECT_FALSE(fetch.Wait({.stall = kCap, .first_byte = kCap}, [&] { return places_ > 0; }));
  EXPECT_LT(writer.size_bytes(), 256 << 20);
}

TEST_F(BlobLineTest, NobodyIsCalledElsewhereInPlaintext) {
  Serve();
  LeaseInput input = Input();
  input.address = "192.0.2.1:4000";
  EXPECT_THAT(Fetch(input), HasSubstr("set up mutual TLS"));
}

}  // namespace
}  // namespace cromt
