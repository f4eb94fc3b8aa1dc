// The authorities of a mesh and the coordinator's own certificate, as files of the access folder:
//
//   ca.key        the key of the authority that signs, then the certificates of all that are believed, its own first.
//                 0600. What says so is this file alone: the others follow from it when a change was cut short.
//   ca.pem        these certificates, for TLS
//   identity.pem  the coordinator's key, its certificate, and the authorities', that of its own first: so whoever has
//                 made sure of the coordinator is shown whom else to believe
//
// As long as one authority follows another, both are believed: the new one signs what others get, while the coordinator
// goes on showing what the old one has signed, which everybody knows. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "io/pki/authority.h"

namespace cromt {

class AuthorityFiles {
 public:
  // A first authority and identity, in a folder that has none.
  static Result<AuthorityFiles> Make(std::string folder, const MeshId& mesh, Wall now);
  // kInvalid, kNotFound or kDenied says which file can't be used.
  static Result<AuthorityFiles> Open(std::string folder, const MeshId& mesh, Wall now);

  const pki::Authority& signing() const { return signing_; }
  const std::vector<pki::AuthorityCertificate>& believed() const { return believed_; }  // the signing one first
  std::string BelievedPem() const;
  // Of the authority that has signed the coordinator's certificate: by which others recognise the mesh.
  const std::string& recognised_by() const { return recognised_by_; }

  // Puts right what a change has left undone, and gives the coordinator a new certificate if the one it has is due.
  Status Follow(Wall now);
  // A new authority signs from now on. kConflict while there is an older one that is still believed.
  Status Rotate(Wall now);
  // Believes only the one that signs. kConflict if there is no other.
  Status Retire(Wall now);

 private:
  AuthorityFiles(std::string folder, MeshId mesh, pki::Authority signing,
                 std::vector<pki::AuthorityCertificate> believed)
      : folder_(std::move(folder)),
        mesh_(std::move(mesh)),
        signing_(std::move(signing)),
        believed_(std::move(believed)) {}
  Status WriteKey() const;
  Result<std::string> WithAuthorities(const std::string& identity);
  Status NewIdentity(const pki::Authority& signed_by, Wall now);

  std::string folder_;
  MeshId mesh_;
  pki::Authority signing_;
  std::vector<pki::AuthorityCertificate> believed_;
  std::string recognised_by_;
};

}  // namespace cromt
