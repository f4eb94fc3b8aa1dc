#include <fmt/format.h>

#include "base/name.h"
#include "io/wire/field.h"
#include "io/wire/session.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

// Tag and length of a lease within its message.
constexpr size_t kLeaseOverhead = 8;

void Write(const CoordinatorHello& hello, v1::ToAgent::Hello& proto) {
  proto.set_mesh(ToText(hello.mesh.text()));
  proto.set_epoch(hello.epoch);
  proto.set_session(hello.session);
  proto.set_protocol(hello.levels.newest);
  proto.set_oldest_protocol(hello.levels.oldest);
  proto.set_commit(hello.commit);
  proto.set_inspect(hello.inspect);
}

Result<CoordinatorHello> Read(const v1::ToAgent::Hello& proto) {
  CROMT_TRY(CheckName("mesh", proto.mesh()));
  CROMT_ASSIGN(const SessionLevels levels, ReadLevels(proto.protocol(), proto.oldest_protocol()));
  return CoordinatorHello{MeshId(proto.mesh()), proto.epoch(),  proto.session(), levels,
                          proto.commit(),       proto.inspect()};
}

v1::ToAgent::Verdict::Kind KindToWire(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kKeep: return v1::ToAgent::Verdict::KEEP;
    case Verdict::Kind::kStop: return v1::ToAgent::Verdict::STOP;
    case Verdict::Kind::kForget: return v1::ToAgent::Verdict::FORGET;
  }
  return v1::ToAgent::Verdict::KEEP;
}

Result<Verdict> Read(const v1::ToAgent::Verdict& proto) {
  CROMT_ASSIGN(AttemptId id, In("id.", FromProto(proto.id())));
  switch (proto.kind()) {
    case v1::ToAgent::Verdict::KEEP: return Verdict{std::move(id), Verdict::Kind::kKeep};
    case v1::ToAgent::Verdict::STOP: return Verdict{std::move(id), Verdict::Kind::kStop};
    case v1::ToAgent::Verdict::FORGET: return Verdict{std::move(id), Verdict::Kind::kForget};
    default: return Invalid("kind", fmt::format("{} is unknown", static_cast<int>(proto.kind())));
  }
}

// `previous` is the task of the lease before it in the message; null for the first.
void Write(const Lease& lease, const TaskSpec* previous, v1::ToAgent::Lease& proto) {
  ToProto(lease.id, *proto.mutable_id());
  if (lease.spec.get() != previous) ToProto(*lease.spec, *proto.mutable_spec());
  proto.set_host(ToText(lease.host));
  ToProto(lease.inputs, *proto.mutable_inputs());
  if (!lease.secrets) return;
  for (const auto& [name, value] : *lease.secrets) {
    v1::ToAgent::Secret& to = *proto.add_secrets();
    to.set_name(ToText(name));
    to.set_value(value);
  }
}

// Nothing of a value gets into an error.
Result<SecretValues> ReadSecrets(const google::protobuf::RepeatedPtrField<v1::ToAgent::Secret>& proto) {
  if (proto.empty()) return SecretValues();
  if (proto.size() > static_cast<int>(kMaxSecrets))
    return Invalid("secrets", fmt::format("{}; at most {} are allowed", proto.size(), kMaxSecrets));
  auto values = std::make_shared<std::vector<std::pair<std::string, std::string>>>();
  for (const v1::ToAgent::Secret& secret : proto) {
    CROMT_TRY(CheckName("secret", secret.name()));
    CROMT_TRY(CheckSecretValue(secret.name(), secret.value()));
    if (FindSecret(values, secret.name()))
      return Invalid("secrets", fmt::format("{} is there twice", Quote(secret.name())));
    values->emplace_back(secret.name(), secret.value());
  }
  return SecretValues(std::move(values));
}

// The task of the newest lease of a message that has one, or what is wrong with it.
using SharedSpec = Result<std::shared_ptr<const TaskSpec>>;

SharedSpec ReadSpec(const v1::TaskSpec& proto) {
  CROMT_ASSIGN(TaskSpec spec, In("spec.", FromProto(proto)));
  return std::make_shared<const TaskSpec>(std::move(spec));
}

Result<Lease> ReadContent(const v1::ToAgent::Lease& proto, const SharedSpec& spec) {
  CROMT_TRY(CheckName("host", proto.host()));
  CROMT_TRY(spec);
  CROMT_ASSIGN(LeaseInputs inputs, FromProto(proto.inputs()));
  CROMT_ASSIGN(SecretValues secrets, ReadSecrets(proto.secrets()));
  return Lease{{}, *spec, proto.host(), std::move(inputs), std::move(secrets)};
}

// An error only for an id that is none: of all else the attempt is at fault, not the session.
Result<Lease> Read(const v1::ToAgent::Lease& proto, SharedSpec& spec) {
  CROMT_ASSIGN(AttemptId id, In("id.", FromProto(proto.id())));
  if (proto.has_spec()) spec = ReadSpec(proto.spec());
  Result<Lease> lease = ReadContent(proto, spec);
  if (!lease) lease = Lease{.wrong = std::move(lease).error().message};
  lease->id = std::move(id);
  return lease;
}

void WriteAllButLeases(const ToAgent& message, v1::ToAgent& proto) {
  if (message.hello) Write(*message.hello, *proto.mutable_hello());
  proto.mutable_verdicts()->Reserve(static_cast<int>(message.verdicts.size()));
  for (const Verdict& verdict : message.verdicts) {
    v1::ToAgent::Verdict& to = *proto.add_verdicts();
    ToProto(verdict.id, *to.mutable_id());
    to.set_kind(KindToWire(verdict.kind));
  }
  proto.set_verdicts_done(message.verdicts_done);
  proto.mutable_stops()->Reserve(static_cast<int>(message.stops.size()));
  for (const AttemptId& id : message.stops) ToProto(id, *proto.add_stops());
  if (message.ack) {
    proto.mutable_ack()->set_sequence(message.ack->sequence);
    proto.mutable_ack()->set_commit(message.ack->commit);
  }
  proto.set_heartbeat_echo(message.heartbeat_echo);
  for (const BlobFailure& failure : message.blob_failures) {
    v1::ToAgent::BlobFailure& to = *proto.add_blob_failures();
    ToProto(failure.digest, *to.mutable_digest());
    to.set_reason(ToText(failure.reason, kMaxReasonBytes));
  }
}

}  // namespace

void ToProto(const ToAgent& message, v1::ToAgent& proto) {
  WriteAllButLeases(message, proto);
  proto.mutable_leases()->Reserve(static_cast<int>(message.leases.size()));
  const TaskSpec* previous = nullptr;
  for (const Lease& lease : message.leases) {
    Write(lease, previous, *proto.add_leases());
    previous = lease.spec.get();
  }
}

std::vector<v1::ToAgent> Split(const ToAgent& message) {
  std::vector<v1::ToAgent> parts(1);
  WriteAllButLeases(message, parts.back());
  size_t bytes = parts.back().ByteSizeLong();
  const TaskSpec* previous = nullptr;
  for (const Lease& lease : message.leases) {
    v1::ToAgent::Lease proto;
    Write(lease, previous, proto);
    size_t lease_bytes = proto.ByteSizeLong() + kLeaseOverhead;
    if (bytes > 0 && bytes + lease_bytes > kMaxMessageBytes) {
      if (!proto.has_spec()) ToProto(*lease.spec, *proto.mutable_spec());
      lease_bytes = proto.ByteSizeLong() + kLeaseOverhead;
      parts.emplace_back();
      bytes = 0;
    }
    bytes += lease_bytes;
    *parts.back().add_leases() = std::move(proto);
    previous = lease.spec.get();
  }
  return parts;
}

Result<ToAgent> FromProto(const v1::ToAgent& proto) {
  ToAgent message;
  if (proto.has_hello()) {
    CROMT_ASSIGN(message.hello, In("hello.", Read(proto.hello())));
  }
  CROMT_TRY(CheckBatch("verdicts", proto.verdicts_size()));
  CROMT_TRY(CheckBatch("leases", proto.leases_size()));
  CROMT_TRY(CheckBatch("stops", proto.stops_size()));
  CROMT_TRY(ReadItems("verdict", proto.verdicts(), message.verdicts, [](const auto& item) { return Read(item); }));
  message.verdicts_done = proto.verdicts_done();
  SharedSpec spec = Invalid("spec", "is missing, and no lease before it has one");
  CROMT_TRY(ReadItems("lease", proto.leases(), message.leases, [&](const auto& item) { return Read(item, spec); }));
  CROMT_TRY(ReadItems("stop", proto.stops(), message.stops, [](const auto& item) { return FromProto(item); }));
  if (proto.has_ack()) message.ack = Ack{proto.ack().sequence(), proto.ack().commit()};
  message.heartbeat_echo = proto.heartbeat_echo();
  CROMT_TRY(CheckBatch("blob_failures", proto.blob_failures_size()));
  CROMT_TRY(ReadItems("blob failure", proto.blob_failures(), message.blob_failures,
                      [](const auto& item) -> Result<BlobFailure> {
                        CROMT_ASSIGN(Digest digest, FromProto(item.digest()));
                        if (item.reason().size() > kMaxReasonBytes || !IsUtf8(item.reason()))
                          return Invalid("reason", "is too long, or not UTF-8");
                        return BlobFailure{std::move(digest), item.reason()};
                      }));
  return message;
}

}  // namespace cromt::wire
