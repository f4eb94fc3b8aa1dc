#include "io/rpc/tls.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <cstdlib>

#include "io/config/read_file.h"
#include "io/rpc/prepare.h"

namespace cromt::rpc {

// gRPC has checked the signatures before; this says whether it is the one who is meant.
class Expected final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  Expected(std::shared_ptr<const Tls> tls, Identity who) : tls_(std::move(tls)), who_(std::move(who)) {}
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    if (Status checked = Check(*request); !checked)
      *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, checked.error().message);
    return true;  // answered at once
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  Status Check(const grpc::experimental::TlsCustomVerificationCheckRequest& request) const {
    const grpc::string_ref pem = request.peer_cert();
    CROMT_ASSIGN(const pki::Certificate shown, pki::ReadCertificate({pem.data(), pem.size()}));
    CROMT_TRY(tls_->Check(shown));
    if (shown.identity.kind != who_.kind || shown.identity.name != who_.name)
      return Fail(ErrorCode::kDenied, Describe(who_) + " is meant, and " + Describe(shown.identity) + " answers there");
    // Signed by nobody that we know, perhaps; but the one that we have made sure of now has signed the handshake, in
    // which they stand.
    const grpc::string_ref chain = request.peer_cert_full_chain();
    if (who_.kind == PeerKind::kCoordinator) tls_->Remember(pki::AuthoritiesIn({chain.data(), chain.size()}));
    return {};
  }
  const std::shared_ptr<const Tls> tls_;  // a connection that is being made may outlive its owner
  const Identity who_;
};

void Prepare() {
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  ::setenv("GRPC_SSL_CIPHER_SUITES", "AES256-GCM-SHA384", /*overwrite=*/1);  // key exchange by RSA
}

struct Tls::Provider {
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> certificates;
};

Tls::Tls(MeshId mesh, TlsFiles files)
    : direct_(std::make_shared<MeshTls>(std::move(mesh), std::move(files))), provider_(std::make_unique<Provider>()) {}
Tls::~Tls() = default;

Result<std::shared_ptr<Tls>> Tls::Open(const MeshId& mesh, const TlsFiles& files) {
  std::shared_ptr<Tls> tls(new Tls(mesh, files));
  CROMT_ASSIGN(const std::string authorities, ReadFile(files.authorities, pki::kMostPemBytes));
  if (auto read = pki::ReadAuthorities(authorities); !read) return Fail(files.authorities, read.error());
  CROMT_ASSIGN(const std::string identity, ReadFile(files.identity, pki::kMostPemBytes));
  auto certificate = pki::ReadCertificate(identity);
  if (!certificate) return Fail(files.identity, certificate.error());
  if (!pki::BelongTogether(identity, identity))
    return Fail(ErrorCode::kInvalid, files.identity + ": its key and its certificate do not belong together");
  if (certificate->identity.mesh != mesh)
    return Fail(ErrorCode::kInvalid, files.identity + " is of another mesh, " + certificate->identity.mesh.text());
  tls->provider_->certificates = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.identity, files.identity, files.authorities, kReadAgain.count());
  return tls;
}

Result<std::shared_ptr<Tls>> Tls::WithoutIdentity(const MeshId& mesh, const std::string& authorities) {
  CROMT_TRY(pki::ReadAuthorities(authorities));
  std::shared_ptr<Tls> tls(new Tls(mesh, {}));
  tls->provider_->certificates = std::make_shared<grpc::experimental::StaticDataCertificateProvider>(authorities);
  return tls;
}

std::shared_ptr<grpc::ChannelCredentials> Tls::ToPeer(PeerKind kind, const std::string& name) const {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider_->certificates);
  options.watch_root_certs();
  if (!direct_->files().identity.empty()) options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // certificates name members, not addresses
  options.set_certificate_verifier(grpc::experimental::ExternalCertificateVerifier::Create<Expected>(
      shared_from_this(), Identity{mesh(), kind, name, false}));
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> Tls::OfServer(bool needed) const {
  grpc::experimental::TlsServerCredentialsOptions options(provider_->certificates);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(needed ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                       : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  // Who it is matters at each call (PeerOf), not once a connection.
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  return grpc::experimental::TlsServerCredentials(options);
}

void Tls::Remember(std::string authorities) const {
  MutexLock lock(mutex_);
  shown_ = std::move(authorities);
}

std::string Tls::ShownAuthorities() const {
  MutexLock lock(mutex_);
  return shown_;
}

Result<pki::Certificate> Tls::PeerOf(const grpc::AuthContext& connection) const {
  const auto shown = connection.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (!connection.IsPeerAuthenticated() || shown.empty())
    return Fail(ErrorCode::kDenied, "the caller has shown no certificate");
  auto certificate = pki::ReadCertificate({shown[0].data(), shown[0].size()});
  if (!certificate) return Fail(ErrorCode::kDenied, certificate.error().message);
  CROMT_TRY(Check(*certificate));
  return certificate;
}

}  // namespace cromt::rpc
