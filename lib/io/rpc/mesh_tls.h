// Who belongs to a mesh, for TLS between its programs: 1.3 only, each side known by the one URI of its certificate
// (core/identity.h). Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "io/pki/certificate.h"
#include "io/stream/tls_context.h"

namespace cromt::rpc {

// So long it takes at most until what changed in the files is shown and believed.
inline constexpr std::chrono::seconds kReadAgain{5};

// Paths of PEM files. They are read again when they change (kReadAgain), so that renewing needs no restart.
struct TlsFiles {
  std::string identity;     // a private key, its certificate, and those of its authorities
  std::string authorities;  // whose signatures are believed
};

class MeshTls {
 public:
  // `mesh` is the only one whose members are believed; empty: whichever it is. Without files it only checks.
  MeshTls(MeshId mesh, TlsFiles files) : mesh_(std::move(mesh)), files_(std::move(files)) {}

  const MeshId& mesh() const { return mesh_; }
  const TlsFiles& files() const { return files_; }

  // Serials that are not believed any more, also on connections that are open.
  void Revoke(const std::vector<std::string>& serials) CROMT_EXCLUDES(mutex_);
  // Of a certificate as such, without its signature: of this mesh, in date, not revoked. kDenied if it is not.
  Status Check(const pki::Certificate& certificate) const CROMT_EXCLUDES(mutex_);

  // For a connection of our own, not gRPC's. `socket` is nonblocking and stays its caller's. A file that can't be used
  // now leaves what was good before.
  Result<std::unique_ptr<TlsStream>> Accept(int socket) CROMT_EXCLUDES(mutex_);
  Result<std::unique_ptr<TlsStream>> Connect(int socket) CROMT_EXCLUDES(mutex_);
  // Who is at the other end of one that has greeted: checked as by Check(). kDenied if nobody has shown himself.
  Result<pki::Certificate> PeerOf(const TlsStream& stream) const;

 private:
  Status ReadAgain() CROMT_REQUIRES(mutex_);
  Result<std::unique_ptr<TlsStream>> Open(int socket, std::unique_ptr<TlsStream> (TlsContext::*open)(int) const)
      CROMT_EXCLUDES(mutex_);

  const MeshId mesh_;
  const TlsFiles files_;
  mutable Mutex mutex_;
  std::set<std::string, std::less<>> revoked_ CROMT_GUARDED_BY(mutex_);
  std::string read_ CROMT_GUARDED_BY(mutex_);  // what the files held
  std::optional<Mono> read_at_ CROMT_GUARDED_BY(mutex_);
  std::optional<TlsContext> context_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt::rpc
