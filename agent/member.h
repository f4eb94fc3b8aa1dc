// That an agent belongs to a mesh: what `cromt-agent join` has left in its data directory.
//
//   mesh/identity.pem      private key, certificate, and those of its authorities; 0600
//   mesh/authorities.pem   whom it believes
//   mesh/member.yaml       the mesh, its name there, and where the coordinator is
//   joining.pem            the key, until the coordinator has answered; 0600
//
// Without the folder an agent is in local mode. With it, what is missing or damaged there ends its start.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"

namespace cromt {

struct Member {
  MeshId mesh;
  std::string name;         // in the mesh; what the agent calls itself
  std::string coordinator;  // HOST:PORT
};

class MemberFiles {
 public:
  explicit MemberFiles(const std::string& data_dir)
      : folder_(data_dir + "/mesh"), joining_(data_dir + "/joining.pem") {}

  const std::string& folder() const { return folder_; }
  std::string identity() const { return folder_ + "/identity.pem"; }
  std::string authorities() const { return folder_ + "/authorities.pem"; }

  // Nothing in local mode. kInvalid or kNotFound says what of it can't be used.
  Result<std::optional<Member>> Read() const;
  // Makes the folder, whole or not at all. kConflict if it is there.
  Status Write(const Member& member, const std::string& identity, const std::string& authorities) const;
  // The private key (PEM) that this host asks to be a member by; made at the first call. Write ends it.
  Result<std::string> KeyToJoinBy() const;
  // In place of what was there.
  Status WriteIdentity(const std::string& identity) const;
  Status WriteAuthorities(const std::string& authorities) const;

 private:
  const std::string folder_;
  const std::string joining_;
};

}  // namespace cromt
