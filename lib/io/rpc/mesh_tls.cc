#include "io/rpc/mesh_tls.h"

#include "io/config/read_file.h"

namespace cromt::rpc {

void MeshTls::Revoke(const std::vector<std::string>& serials) {
  MutexLock lock(mutex_);
  revoked_.insert(serials.begin(), serials.end());
}

Status MeshTls::Check(const pki::Certificate& certificate) const {
  const std::string who = "the certificate of " + Describe(certificate.identity);
  if (!mesh_.empty() && certificate.identity.mesh != mesh_)
    return Fail(ErrorCode::kDenied,
                who + " is of mesh " + certificate.identity.mesh.text() + ", and this is mesh " + mesh_.text());
  const Wall now = SystemClock().Read().wall;  // also of a connection that has outlived its certificate
  if (certificate.not_after < now)
    return Fail(ErrorCode::kDenied, who + " expired at " + FormatRfc3339(certificate.not_after));
  MutexLock lock(mutex_);
  if (revoked_.contains(certificate.serial)) return Fail(ErrorCode::kDenied, who + " was revoked");
  return {};
}

Status MeshTls::ReadAgain() {
  CROMT_ASSIGN(const std::string authorities, ReadFile(files_.authorities, pki::kMostPemBytes));
  CROMT_ASSIGN(const std::string identity, ReadFile(files_.identity, pki::kMostPemBytes));
  std::string both = identity + authorities;
  if (context_ && both == read_) return {};
  auto context = TlsContext::OfMember(identity, authorities);
  if (!context) return Fail(files_.identity, context.error());
  context_ = std::move(*context);
  read_ = std::move(both);
  return {};
}

Result<std::unique_ptr<TlsStream>> MeshTls::Open(int socket,
                                                 std::unique_ptr<TlsStream> (TlsContext::*open)(int) const) {
  MutexLock lock(mutex_);
  const Mono now = SystemClock().Read().mono;
  if (!read_at_ || now - *read_at_ >= kReadAgain) {
    const Status again = ReadAgain();
    if (!context_) return tl::unexpected(again.error());
    read_at_ = now;
  }
  auto stream = ((*context_).*open)(socket);
  if (!stream) return Fail(ErrorCode::kExhausted, "there is no memory for a connection by TLS");
  return stream;
}

Result<std::unique_ptr<TlsStream>> MeshTls::Accept(int socket) {
  return Open(socket, &TlsContext::Accept);
}

Result<std::unique_ptr<TlsStream>> MeshTls::Connect(int socket) {
  return Open(socket, &TlsContext::Connect);
}

Result<pki::Certificate> MeshTls::PeerOf(const TlsStream& stream) const {
  const std::string shown = stream.Shown();
  if (shown.empty()) return Fail(ErrorCode::kDenied, "the other end has shown no certificate");
  auto certificate = pki::ReadCertificate(shown);
  if (!certificate) return Fail(ErrorCode::kDenied, certificate.error().message);
  CROMT_TRY(Check(*certificate));
  return certificate;
}

}  // namespace cromt::rpc
