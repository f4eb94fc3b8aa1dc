#include "io/git/helper/access.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/name.h"
#include "io/git/helper/one_server.h"
#include "io/git/helper/tls.h"

namespace cromt::git {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUsualUser = "git";  // of a URL that names none

bool HasAgent() {
  const char* socket = std::getenv("SSH_AUTH_SOCK");
  return socket != nullptr && *socket != '\0';
}

std::string LastWords() {
  const git_error* last = git_error_last();
  return last != nullptr && last->message != nullptr ? last->message : "";
}

}  // namespace

Result<Access> Access::For(const FetchRequest& request) {
  Access access(request);
  if (!access.is_ssh()) {
    if (request.url.starts_with("http")) CROMT_TRY(TrustCertificates(request.ca_file));
    if (!request.user.empty()) CROMT_TRY(ConnectOnlyTo(request.host, static_cast<uint16_t>(request.port)));
    return access;
  }
  CROMT_ASSIGN(access.known_hosts_, KnownHosts::Load(request.known_hosts));
  access.types_ = access.known_hosts_.TypesOf(request.host, static_cast<uint16_t>(request.port));
  access.types_.push_back("");
  return access;
}

// libgit2 takes the type to ask for from $HOME/.ssh/known_hosts and from nowhere else, so that file is ours, and HOME
// is a folder beside the mirror. The judgement is CheckServer's, not libgit2's.
Status Access::Prefer(const std::string& type) {
  offered_ = 0;
  refused_.reset();
  if (!is_ssh()) return {};
  const fs::path home = fs::path(request_->mirror).parent_path() / "ssh";
  std::error_code error;
  fs::create_directories(home / ".ssh", error);
  if (error) return tl::unexpected<Error>(ErrnoError(home.string(), error.value()));
  std::ofstream file(home / ".ssh/known_hosts", std::ios::trunc);
  if (!type.empty()) file << known_hosts_.LineOf(request_->host, static_cast<uint16_t>(request_->port), type) << '\n';
  file.close();
  if (!file) return Fail(ErrorCode::kUnavailable, fmt::format("{}: can't be written", (home / ".ssh").string()));
  setenv("HOME", home.c_str(), 1);
  return {};
}

bool Access::IsOtherType() const {
  return is_ssh() && !refused_ && LastWords().find("exchange encryption keys") != std::string::npos;
}

int Access::Refuse(ErrorCode code, std::string why) {
  refused_ = Error{code, fmt::format("{}: {}", request_->shown, why)};
  git_error_set_str(GIT_ERROR_NET, "refused");
  return GIT_EUSER;
}

int Access::CheckServer(const git_cert& cert) {
  if (cert.cert_type == GIT_CERT_X509) return GIT_PASSTHROUGH;  // the library's judgement stands
  if (cert.cert_type != GIT_CERT_HOSTKEY_LIBSSH2) return Refuse(ErrorCode::kDenied, "a host key of an unknown kind");
  const auto& sent = reinterpret_cast<const git_cert_hostkey&>(cert);
  if ((sent.type & GIT_CERT_SSH_RAW) == 0) return Refuse(ErrorCode::kDenied, "it shows no host key");
  const HostKey key{std::string(sent.hostkey, sent.hostkey_len)};
  const auto verdict = known_hosts_.Check(request_->host, static_cast<uint16_t>(request_->port), key);
  if (verdict.trust == KnownHosts::Trust::kKnown) return 0;
  return Refuse(ErrorCode::kDenied, Untrusted(key, verdict));
}

std::string Access::Untrusted(const HostKey& key, const KnownHosts::Verdict& verdict) const {
  const std::string line = KnownHosts::Line(request_->host, static_cast<uint16_t>(request_->port), key);
  const std::string shown = fmt::format("{} {}", Quote(key.Type()), key.Fingerprint());
  switch (verdict.trust) {
    case KnownHosts::Trust::kRevoked: return fmt::format("its host key {} is revoked by {}", shown, verdict.place);
    case KnownHosts::Trust::kChanged:
      return fmt::format(
          "its host key {} is not the one that {} says. Somebody may be in between; if the host has a new key, put "
          "this "
          "line in the place of that one: {}",
          shown, verdict.place, line);
    case KnownHosts::Trust::kKnown:
    case KnownHosts::Trust::kUnknown: break;
  }
  return fmt::format("its host key {} is not known. If it is the right one, add this line to {}: {}", shown,
                     request_->known_hosts.empty() ? "known_hosts" : request_->known_hosts.front(), line);
}

int Access::OfferLogin(git_credential** out, const char* user, unsigned allowed) {
  if (!is_ssh()) return OfferPassword(out, allowed);
  if ((allowed & GIT_CREDENTIAL_USERNAME) != 0) return git_credential_username_new(out, kUsualUser);
  return OfferKey(out, user, allowed);
}

int Access::OfferPassword(git_credential** out, unsigned allowed) {
  if (request_->user.empty()) {
    return Refuse(ErrorCode::kDenied,
                  "it asks for a user and password; the coordinator's configuration has none for this URL (git: "
                  "credentials)");
  }
  if (offered_++ > 0) {
    return Refuse(ErrorCode::kDenied,
                  fmt::format("it refuses the user and password that git.credentials has for {}", request_->login_of));
  }
  if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0)
    return Refuse(ErrorCode::kDenied, "it takes no user and password, which is all that we have");
  return git_credential_userpass_plaintext_new(out, request_->user.c_str(), request_->password.c_str());
}

int Access::OfferKey(git_credential** out, const char* user, unsigned allowed) {
  const auto& keys = request_->ssh_keys;
  if ((allowed & GIT_CREDENTIAL_SSH_KEY) == 0) return Refuse(ErrorCode::kDenied, "it lets nobody in by a key");
  const size_t next = offered_++;
  if (next < keys.size()) return git_credential_ssh_key_new(out, user, nullptr, keys[next].c_str(), "");
  if (next == keys.size() && HasAgent()) return git_credential_ssh_key_from_agent(out, user);
  std::string tried;
  for (const std::string& key : keys) tried += (tried.empty() ? "" : ", ") + key;
  if (HasAgent()) tried += tried.empty() ? "the ssh agent" : ", the ssh agent";
  return Refuse(ErrorCode::kDenied,
                tried.empty() ? "it asks for a key, and there is none: name one in the coordinator's configuration "
                                "(git: ssh_keys), or start it with an ssh agent (SSH_AUTH_SOCK)"
                              : fmt::format("it lets {} in by none of the keys: {}", Quote(user), tried));
}

std::optional<Error> Access::UnusableKey() const {
  const std::string words = LastWords();
  if (!is_ssh() || refused_ || offered_ == 0 || words.find("uthenticat") == std::string::npos) return std::nullopt;
  const bool is_agent = offered_ > request_->ssh_keys.size();
  return Error{
      ErrorCode::kInvalid,
      fmt::format("{}: {} can't be used ({})", request_->shown,
                  is_agent ? "the ssh agent (SSH_AUTH_SOCK)" : "the key " + request_->ssh_keys[offered_ - 1], words)};
}

}  // namespace cromt::git
