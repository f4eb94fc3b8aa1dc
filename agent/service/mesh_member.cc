#include "agent/service/mesh_member.h"

#include "agent/service/renewal.h"
#include "io/rpc/tls.h"

namespace cromt {

MeshMember::MeshMember(const std::string& data_dir) : files_(data_dir) {}
MeshMember::~MeshMember() = default;

Result<std::unique_ptr<MeshMember>> MeshMember::Open(const std::string& data_dir) {
  std::unique_ptr<MeshMember> mesh(new MeshMember(data_dir));
  CROMT_ASSIGN(mesh->member_, mesh->files_.Read());
  if (!mesh->member_) return mesh;
  CROMT_ASSIGN(mesh->tls_, rpc::Tls::Open(mesh->member_->mesh, {mesh->files_.identity(), mesh->files_.authorities()}));
  return mesh;
}

void MeshMember::KeepRenewed(std::function<void(const std::string&)> warn) {
  if (member_) renewal_ = std::make_unique<Renewal>(*member_, files_, tls_, std::move(warn));
}

void MeshMember::Heard(std::vector<std::string> authorities) {
  if (renewal_ && !authorities.empty()) renewal_->Heard(std::move(authorities));
}

}  // namespace cromt
