#include "coordinator/access/authority_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "io/config/read_file.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

Status IsPrivate(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  if ((info.st_mode & 077) == 0) return {};
  return Fail(ErrorCode::kDenied, path +
                                      " can be read by others, who may be the mesh's authority then: chmod 600 it, " +
                                      "and should somebody have read it, say 'cromt ca rotate'");
}

Result<std::string> ReadPrivate(const std::string& path) {
  CROMT_TRY(IsPrivate(path));
  return ReadFile(path, pki::kMostPemBytes);
}

}  // namespace

Result<AuthorityFiles> AuthorityFiles::Make(std::string folder, const MeshId& mesh, Wall now) {
  CROMT_ASSIGN(pki::Authority authority, pki::Authority::Make(mesh, now));
  CROMT_ASSIGN(auto believed, pki::ReadAuthorities(authority.certificate()));
  AuthorityFiles files(std::move(folder), mesh, std::move(authority), std::move(believed));
  CROMT_TRY(files.WriteKey());
  CROMT_TRY(WriteFileDurably(files.folder_ + "/ca.pem", files.BelievedPem()));
  CROMT_TRY(files.NewIdentity(files.signing_, now));
  return files;
}

Result<AuthorityFiles> AuthorityFiles::Open(std::string folder, const MeshId& mesh, Wall now) {
  const std::string path = folder + "/ca.key";
  CROMT_ASSIGN(const std::string text, ReadPrivate(path));
  auto key = pki::KeyOf(text);
  if (!key) return Fail(path, key.error());
  auto believed = pki::ReadAuthorities(text);
  if (!believed) return Fail(path, believed.error());
  auto signing = pki::Authority::Load(believed->front().pem, std::move(*key));
  if (!signing) return Fail(path, signing.error());
  AuthorityFiles files(std::move(folder), mesh, std::move(*signing), std::move(*believed));
  CROMT_TRY(files.Follow(now));
  return files;
}

std::string AuthorityFiles::BelievedPem() const {
  std::string pem;
  for (const pki::AuthorityCertificate& one : believed_) pem += one.pem;
  return pem;
}

Status AuthorityFiles::WriteKey() const {
  return WriteFileDurably(folder_ + "/ca.key", signing_.key() + BelievedPem());
}

// Reads what is there first: a file that was damaged is somebody's doing, and not put right in silence.
Status AuthorityFiles::Follow(Wall now) {
  const std::string authorities_path = folder_ + "/ca.pem";
  CROMT_ASSIGN(const std::string authorities, ReadFile(authorities_path, pki::kMostPemBytes));
  if (auto read = pki::ReadAuthorities(authorities); !read) return Fail(authorities_path, read.error());
  const std::string path = folder_ + "/identity.pem";
  CROMT_ASSIGN(const std::string identity, ReadPrivate(path));
  const auto certificate = pki::ReadCertificate(identity);
  if (!certificate) return Fail(path, certificate.error());
  if (authorities != BelievedPem()) CROMT_TRY(WriteFileDurably(authorities_path, BelievedPem()));
  auto followed = WithAuthorities(identity);
  if (!followed || pki::IsDue(*certificate, now)) return NewIdentity(signing_, now);
  return *followed == identity ? Status() : WriteFileDurably(path, *followed);
}

// A key and its certificate, and after them the authorities'. kInvalid if none of these has signed it.
Result<std::string> AuthorityFiles::WithAuthorities(const std::string& identity) {
  const auto issuer = std::find_if(believed_.begin(), believed_.end(), [&](const pki::AuthorityCertificate& one) {
    return pki::IsIssuedBy(identity, one.pem);
  });
  if (issuer == believed_.end())
    return Fail(ErrorCode::kInvalid, "no authority that is believed has signed the coordinator's certificate");
  recognised_by_ = issuer->fingerprint;
  CROMT_ASSIGN(std::string text, pki::KeyOf(identity));
  CROMT_ASSIGN(const std::string own, pki::FirstCertificate(identity));
  text += own + issuer->pem;
  for (const pki::AuthorityCertificate& one : believed_)
    if (one.fingerprint != issuer->fingerprint) text += one.pem;
  return text;
}

Status AuthorityFiles::NewIdentity(const pki::Authority& signed_by, Wall now) {
  CROMT_ASSIGN(const std::string key, pki::NewKey());
  CROMT_ASSIGN(const std::string request, pki::NewRequest(key));
  CROMT_ASSIGN(const std::string certificate,
               signed_by.Sign(request, Identity{mesh_, PeerKind::kCoordinator, "", false}, now));
  CROMT_ASSIGN(const std::string identity, WithAuthorities(key + certificate));
  return WriteFileDurably(folder_ + "/identity.pem", identity);
}

Status AuthorityFiles::Rotate(Wall now) {
  if (believed_.size() > 1)
    return Fail(ErrorCode::kConflict,
                "the mesh is on its way from one authority to another already: end that with 'cromt ca retire'");
  AuthorityFiles next = *this;
  CROMT_ASSIGN(next.signing_, pki::Authority::Make(mesh_, now));
  CROMT_ASSIGN(next.believed_, pki::ReadAuthorities(next.signing_.certificate() + signing_.certificate()));
  CROMT_TRY(next.WriteKey());
  std::swap(*this, next);
  // Once more by the one that everybody knows, so that there is time; and only then what makes others follow.
  CROMT_TRY(NewIdentity(next.signing_, now));
  return Follow(now);
}

Status AuthorityFiles::Retire(Wall now) {
  if (believed_.size() == 1)
    return Fail(ErrorCode::kConflict, "the mesh has one authority only: 'cromt ca rotate' makes one that follows it");
  AuthorityFiles next = *this;
  next.believed_.resize(1);
  CROMT_TRY(next.WriteKey());
  *this = std::move(next);
  return Follow(now);
}

}  // namespace cromt
