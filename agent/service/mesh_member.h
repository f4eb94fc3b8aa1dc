// What an agent has of its mesh while it serves: who it is there, its TLS, and the renewal of its certificate.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/member.h"

namespace cromt {
namespace rpc {
class Tls;
}
class Renewal;

// One thread but for Heard; its renewal has one of its own.
class MeshMember {
 public:
  // Local mode if this data directory has joined no mesh.
  static Result<std::unique_ptr<MeshMember>> Open(const std::string& data_dir);
  ~MeshMember();

  const std::optional<Member>& member() const { return member_; }  // nothing in local mode
  const std::shared_ptr<rpc::Tls>& tls() const { return tls_; }    // likewise null
  // From now on.
  void KeepRenewed(std::function<void(const std::string&)> warn);
  // Which authorities the coordinator says are believed, of the one that signs first. Any thread.
  void Heard(std::vector<std::string> authorities);

 private:
  explicit MeshMember(const std::string& data_dir);
  const MemberFiles files_;
  std::optional<Member> member_;
  std::shared_ptr<rpc::Tls> tls_;
  std::unique_ptr<Renewal> renewal_;
};

}  // namespace cromt
