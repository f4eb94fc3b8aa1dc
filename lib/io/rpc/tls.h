// TLS between the programs of a mesh (io/rpc/mesh_tls.h) as gRPC's credentials.
// Include in .cc files only: gRPC's headers are heavy.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "io/pki/certificate.h"
#include "io/rpc/mesh_tls.h"

namespace grpc {
class AuthContext;
}

namespace cromt::rpc {

// What one program proves itself with, whom it believes, and what it has heard to be revoked. Thread-safe.
class Tls : public std::enable_shared_from_this<Tls> {
 public:
  // kInvalid or kNotFound says which file can't be used. `mesh` is the only one whose members are believed.
  static Result<std::shared_ptr<Tls>> Open(const MeshId& mesh, const TlsFiles& files);
  // Of a client that proves itself otherwise, or not at all. `authorities` is PEM text; `mesh` may be empty: whichever
  // mesh it is whose authority this is.
  static Result<std::shared_ptr<Tls>> WithoutIdentity(const MeshId& mesh, const std::string& authorities);
  ~Tls();

  const MeshId& mesh() const { return direct_->mesh(); }
  // For connections that are not gRPC's; without an identity none comes about.
  const std::shared_ptr<MeshTls>& direct() const { return direct_; }

  // To a server that must be this one of the mesh: `kind`, and for agents their name.
  std::shared_ptr<grpc::ChannelCredentials> ToPeer(PeerKind kind, const std::string& name) const;
  // Of a server. Whoever shows a certificate must have a good one; with `needed` everybody must show one.
  std::shared_ptr<grpc::ServerCredentials> OfServer(bool needed) const;

  // Serials that are not believed any more, also on connections that are open: to be checked at each call.
  void Revoke(const std::vector<std::string>& serials) { direct_->Revoke(serials); }

  // PEM of the authorities that the coordinator has shown when it was last made sure of: those that its mesh believes.
  // Empty if it was not yet.
  std::string ShownAuthorities() const CROMT_EXCLUDES(mutex_);

  // Whether the other end of a call showed a certificate, and whose: of this mesh, in date, not revoked. kDenied if it
  // showed none or is none of these.
  Result<pki::Certificate> PeerOf(const grpc::AuthContext& connection) const;
  // The same of a certificate as such, without its signature.
  Status Check(const pki::Certificate& certificate) const { return direct_->Check(certificate); }

 private:
  friend class Expected;
  void Remember(std::string authorities) const CROMT_EXCLUDES(mutex_);
  Tls(MeshId mesh, TlsFiles files);
  struct Provider;
  const std::shared_ptr<MeshTls> direct_;
  std::unique_ptr<Provider> provider_;
  mutable Mutex mutex_;
  mutable std::string shown_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt::rpc
