#include "agent/service/membership_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "cromt/v1/access.grpc.pb.h"
#include "io/config/read_file.h"
#include "io/pki/certificate.h"
#include "io/pki/presented.h"
#include "io/rpc/channel.h"
#include "io/rpc/status.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

constexpr Duration kPatience = seconds(15);
constexpr Duration kPeerPatience = seconds(5);

struct Context : grpc::ClientContext {
  Context() { set_deadline(std::chrono::system_clock::now() + kPatience); }
};

Result<std::unique_ptr<v1::AccessService::Stub>> Dial(const std::string& coordinator, const rpc::Tls& tls) {
  CROMT_ASSIGN(const auto channel,
               rpc::OpenChannel(coordinator, {.credentials = tls.ToPeer(PeerKind::kCoordinator, "")}));
  if (Status connected = rpc::Connect(*channel, kPatience); !connected)
    return Fail("the coordinator at " + coordinator, connected.error());
  return v1::AccessService::NewStub(channel);
}

Status StatusOf(const grpc::Status& status) {
  if (status.ok()) return {};
  return tl::unexpected(rpc::FromStatus(status));
}

// What came is ours, or nothing of it is written.
Status CheckMembership(const v1::Membership& membership, const std::string& key, const Member& expected) {
  CROMT_ASSIGN(const pki::Certificate certificate, pki::ReadCertificate(membership.certificate()));
  const Identity& who = certificate.identity;
  if (who.kind != PeerKind::kAgent || who.name != expected.name || who.mesh.text() != membership.mesh() ||
      !pki::BelongTogether(membership.certificate(), key))
    return Fail(ErrorCode::kCorrupt, "the coordinator has sent a certificate that is not for this host");
  CROMT_TRY(pki::ReadAuthorities(membership.authorities()));
  return {};
}

Result<Renewed> RenewBy(const Member& member, const rpc::Tls& tls, const std::string& key) {
  CROMT_ASSIGN(const auto stub, Dial(member.coordinator, tls));
  v1::RenewRequest request;
  CROMT_ASSIGN(*request.mutable_request(), pki::NewRequest(key));
  v1::Membership answer;
  Context context;
  CROMT_TRY(StatusOf(stub->Renew(&context, request, &answer)));
  CROMT_TRY(CheckMembership(answer, key, member));
  return Renewed{key + answer.certificate(), answer.authorities()};
}

}  // namespace

Result<Member> Join(const JoinOrder& order, const MemberFiles& files) {
  CROMT_ASSIGN(const std::string authority, pki::PresentedCertificate(order.coordinator, order.fingerprint, kPatience));
  CROMT_ASSIGN(const std::shared_ptr<rpc::Tls> tls, rpc::Tls::WithoutIdentity({}, authority));
  CROMT_ASSIGN(const auto stub, Dial(order.coordinator, *tls));
  // Kept until it has come to something: should the answer get lost, the next try asks for the same.
  CROMT_ASSIGN(const std::string key, files.KeyToJoinBy());
  v1::JoinRequest request;
  request.set_token(order.token);
  request.set_name(order.name);
  CROMT_ASSIGN(*request.mutable_request(), pki::NewRequest(key));
  v1::Membership answer;
  Context context;
  CROMT_TRY(StatusOf(stub->Join(&context, request, &answer)));
  const Member member{MeshId(answer.mesh()), order.name, order.coordinator};
  CROMT_TRY(CheckMembership(answer, key, member));
  CROMT_TRY(files.Write(member, key + answer.certificate(), answer.authorities()));
  return member;
}

Result<Renewed> Renew(const Member& member, const rpc::Tls& tls) {
  CROMT_ASSIGN(const std::string key, pki::NewKey());
  return RenewBy(member, tls, key);
}

Result<Renewed> RenewExpired(const Member& member, const MemberFiles& files) {
  CROMT_ASSIGN(const std::string authorities, ReadFile(files.authorities(), pki::kMostPemBytes));
  CROMT_ASSIGN(const std::string identity, ReadFile(files.identity(), pki::kMostPemBytes));
  CROMT_ASSIGN(const std::shared_ptr<rpc::Tls> tls, rpc::Tls::WithoutIdentity(member.mesh, authorities));
  CROMT_ASSIGN(const std::string key, pki::KeyOf(identity));
  return RenewBy(member, *tls, key);
}

Reach TryReach(const Member& member, const rpc::Tls& tls) {
  Reach reach;
  auto stub = Dial(member.coordinator, tls);
  if (!stub) {
    reach.problems.push_back("this host does not reach " + stub.error().message);
    return reach;
  }
  reach.good.push_back("this host reaches the coordinator at " + member.coordinator);
  v1::ProbeResponse answer;
  Context context;
  if (Status asked = StatusOf((*stub)->Probe(&context, {}, &answer)); !asked) {
    reach.problems.push_back("the coordinator does not say whether it reaches this host: " + asked.error().message);
    return reach;
  }
  if (answer.problem().empty())
    reach.good.push_back("the coordinator reaches this host at " + answer.address());
  else
    reach.problems.push_back("the coordinator does not reach this host at " + answer.address() + ": " +
                             answer.problem());
  for (const auto& peer : answer.peers()) {
    const auto channel = rpc::OpenChannel(peer.address(), {.credentials = tls.ToPeer(PeerKind::kAgent, peer.name())});
    const Status connected = channel ? rpc::Connect(**channel, kPeerPatience) : tl::unexpected(channel.error());
    if (connected)
      reach.good.push_back("this host reaches " + peer.name() + " at " + peer.address());
    else
      reach.problems.push_back("this host does not reach " + peer.name() + " at " + peer.address() + ": " +
                               connected.error().message + "; artifacts go by way of the coordinator");
  }
  return reach;
}

}  // namespace cromt
