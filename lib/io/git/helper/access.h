// Who is who on one connection: libgit2's questions about a server's key and about ours, answered from the request.
// Nobody is prompted, and nothing but what the request names is looked at. One thread; outlives the connection.
#pragma once

#include <git2.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/git/helper/known_hosts.h"
#include "io/git/protocol.h"

namespace cromt::git {

class Access {
 public:
  // Reads certificates or known hosts, whichever the transport needs.
  static Result<Access> For(const FetchRequest& request);

  // The types of host key to connect with, one after the other, while IsOtherType() says so. The last is "", any.
  // Only ssh has more than that one: libgit2 asks a server for a single type, and a server may have lost the one that
  // it is known by first.
  const std::vector<std::string>& types() const { return types_; }
  // To be called before each connection.
  Status Prefer(const std::string& type);
  // The connection failed since the server has no key of the type preferred.
  bool IsOtherType() const;

  // libgit2's callbacks certificate_check and credentials. What they refuse is in refused().
  int CheckServer(const git_cert& cert);
  int OfferLogin(git_credential** out, const char* user, unsigned allowed);
  const std::optional<Error>& refused() const { return refused_; }

  // What a failed connection was about, if it was about a key of ours that can't be used.
  std::optional<Error> UnusableKey() const;

 private:
  explicit Access(const FetchRequest& request) : request_(&request) {}
  bool is_ssh() const { return request_->by_ssh; }
  int Refuse(ErrorCode code, std::string why);
  int OfferPassword(git_credential** out, unsigned allowed);
  int OfferKey(git_credential** out, const char* user, unsigned allowed);
  std::string Untrusted(const HostKey& key, const KnownHosts::Verdict& verdict) const;

  const FetchRequest* request_;
  KnownHosts known_hosts_;
  std::vector<std::string> types_ = {""};
  size_t offered_ = 0;  // keys so far; the agent is the one after the last
  std::optional<Error> refused_;
};

}  // namespace cromt::git
