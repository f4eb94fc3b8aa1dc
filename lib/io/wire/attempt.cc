#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "core/agent_address.h"
#include "core/artifact.h"
#include "core/container.h"
#include "core/plan.h"
#include "io/wire/check.h"
#include "io/wire/field.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

constexpr int kMaxExitCode = 255;
constexpr int kMaxSignal = 64;

v1::AttemptResult::Kind KindToWire(AttemptResult::Kind kind) {
  switch (kind) {
    case AttemptResult::Kind::kExited: return v1::AttemptResult::EXITED;
    case AttemptResult::Kind::kStopped: return v1::AttemptResult::STOPPED;
    case AttemptResult::Kind::kTimedOut: return v1::AttemptResult::TIMED_OUT;
    case AttemptResult::Kind::kNotStarted: return v1::AttemptResult::NOT_STARTED;
    case AttemptResult::Kind::kLost: return v1::AttemptResult::LOST;
    case AttemptResult::Kind::kNotPublished: return v1::AttemptResult::NOT_PUBLISHED;
  }
  return v1::AttemptResult::KIND_UNSPECIFIED;
}

Result<AttemptResult::Kind> KindFromWire(v1::AttemptResult::Kind kind) {
  switch (kind) {
    case v1::AttemptResult::EXITED: return AttemptResult::Kind::kExited;
    case v1::AttemptResult::STOPPED: return AttemptResult::Kind::kStopped;
    case v1::AttemptResult::TIMED_OUT: return AttemptResult::Kind::kTimedOut;
    case v1::AttemptResult::NOT_STARTED: return AttemptResult::Kind::kNotStarted;
    case v1::AttemptResult::LOST: return AttemptResult::Kind::kLost;
    case v1::AttemptResult::NOT_PUBLISHED: return AttemptResult::Kind::kNotPublished;
    default: return Invalid("kind", fmt::format("{} is unknown", static_cast<int>(kind)));
  }
}

Result<ExitStatus> ReadStatus(const v1::ExitStatus& proto) {
  if (proto.has_code()) return Exited{proto.code()};
  if (proto.has_signal()) return Signaled{proto.signal()};
  return Invalid("kind", "neither code nor signal");
}

Status CheckStatus(const ExitStatus& status) {
  if (const auto* exited = std::get_if<Exited>(&status)) return InRange("code", exited->code, 0, kMaxExitCode);
  return InRange("signal", std::get<Signaled>(status).signal, 1, kMaxSignal);
}

// 0 on the wire is "never".
int64_t OptionalToWire(const std::optional<Wall>& at) {
  return at ? WallToWire(*at) : 0;
}

std::optional<Wall> OptionalFromWire(int64_t at_us) {
  return at_us == 0 ? std::nullopt : std::optional(WallFromMicros(at_us));
}

// Without its grant.
Status CheckArtifact(const PublishedArtifact& artifact) {
  CROMT_TRY(CheckName("name", artifact.name));
  return In("digest.", Check(artifact.digest));
}

}  // namespace

PublishedArtifact ReadUnchecked(const v1::PublishedArtifact& proto) {
  return {proto.name(), {proto.digest().sha256(), proto.digest().size_bytes()}, proto.archive(), proto.grant()};
}

void ToProto(const PublishedArtifact& artifact, v1::PublishedArtifact& proto) {
  proto.set_name(ToText(artifact.name));
  ToProto(artifact.digest, *proto.mutable_digest());
  proto.set_archive(artifact.archive);
  proto.set_grant(ToText(artifact.grant));
}

void ToProto(const BlobTicket& ticket, v1::BlobTicket& proto) {
  proto.set_consumer(ToText(ticket.consumer.text()));
  proto.set_expires_at_us(OptionalToWire(ticket.expires_at));
  proto.set_proof(ToText(ticket.proof));
}

BlobTicket ReadUnchecked(const v1::BlobTicket& proto) {
  return {AgentId(proto.consumer()), OptionalFromWire(proto.expires_at_us()), proto.proof()};
}

Result<BlobTicket> FromProto(const v1::BlobTicket& proto) {
  if (!proto.consumer().empty()) CROMT_TRY(CheckName("consumer", proto.consumer()));
  CROMT_TRY(CheckWall("expires_at_us", proto.expires_at_us()));
  CROMT_TRY(CheckName("proof", proto.proof()));
  return ReadUnchecked(proto);
}

void ToProto(const LeaseInputs& inputs, google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto) {
  if (!inputs) return;
  for (const LeaseInput& input : *inputs) {
    v1::LeaseInput& to = *proto.Add();
    to.set_path(ToText(input.path));
    ToProto(input.artifact, *to.mutable_artifact());
    to.mutable_artifact()->clear_grant();  // agents get tickets
    to.set_holder(ToText(input.holder.text()));
    to.set_address(ToText(input.address));
    to.set_host(ToText(input.host));
    ToProto(input.ticket, *to.mutable_ticket());
  }
}

LeaseInputs ReadUnchecked(const google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto) {
  if (proto.empty()) return nullptr;
  auto inputs = std::make_shared<std::vector<LeaseInput>>();
  inputs->reserve(static_cast<size_t>(proto.size()));
  for (const v1::LeaseInput& input : proto)
    inputs->push_back({input.path(), ReadUnchecked(input.artifact()), AgentId(input.holder()), input.address(),
                       input.host(), ReadUnchecked(input.ticket())});
  return inputs;
}

Result<LeaseInputs> FromProto(const google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto) {
  if (static_cast<size_t>(proto.size()) > kMaxLeaseInputs)
    return Invalid("inputs", fmt::format("{} artifacts; at most {} are allowed", proto.size(), kMaxLeaseInputs));
  for (const v1::LeaseInput& input : proto) CROMT_TRY(In("inputs: ticket.", FromProto(input.ticket())));
  LeaseInputs inputs = ReadUnchecked(proto);
  if (!inputs) return inputs;
  for (const LeaseInput& input : *inputs) {
    size_t slash = std::min(input.path.find('/'), input.path.size());
    CROMT_TRY(In("inputs: path: ", CheckName("name", input.path.substr(0, slash))));
    if (slash < input.path.size()) CROMT_TRY(In("inputs: path: ", CheckName("name", input.path.substr(slash + 1))));
    CROMT_TRY(In("inputs: ", CheckArtifact(input.artifact)));
    CROMT_TRY(In("inputs: ", CheckName("holder", input.holder.text())));
    if (!ParseAgentAddress(input.address)) return Invalid("inputs: address", "is no HOST:PORT");
    CROMT_TRY(In("inputs: ", CheckName("host", input.host)));
  }
  return inputs;
}

void ToProto(const AttemptId& id, v1::AttemptId& proto) {
  proto.set_run(ToText(id.run.text()));
  proto.set_task(id.task);
  proto.set_attempt(id.attempt);
}

Result<AttemptId> FromProto(const v1::AttemptId& proto) {
  CROMT_TRY(CheckName("run", proto.run()));
  CROMT_TRY(InRange("task", proto.task(), 0, kMaxTasks - 1));
  if (proto.attempt() == 0) return Invalid("attempt", "0; attempts are numbered from 1");
  return AttemptId{RunId(proto.run()), proto.task(), proto.attempt()};
}

void ToProto(const ExitStatus& status, v1::ExitStatus& proto) {
  if (const auto* exited = std::get_if<Exited>(&status))
    proto.set_code(exited->code);
  else
    proto.set_signal(std::get<Signaled>(status).signal);
}

Result<ExitStatus> FromProto(const v1::ExitStatus& proto) {
  CROMT_ASSIGN(ExitStatus status, ReadStatus(proto));
  CROMT_TRY(CheckStatus(status));
  return status;
}

void ToProto(const AttemptResult& result, v1::AttemptResult& proto) {
  proto.set_kind(KindToWire(result.kind));
  if (result.status) ToProto(*result.status, *proto.mutable_status());
  if (!result.reason.empty()) proto.set_reason(ToText(result.reason, kMaxReasonBytes));
  proto.set_started_at_us(OptionalToWire(result.started_at));
  proto.set_ended_at_us(OptionalToWire(result.ended_at));
  proto.set_log_bytes(std::clamp<int64_t>(result.log_bytes, 0, kMaxLogBytes));
  proto.set_returned(result.returned);
  for (const PublishedArtifact& artifact : result.published) ToProto(artifact, *proto.add_published());
  if (CheckImageDigest(result.image_digest)) proto.set_image_digest(result.image_digest);
}

Result<AttemptResult> ReadUnchecked(const v1::AttemptResult& proto) {
  AttemptResult result;
  CROMT_ASSIGN(result.kind, KindFromWire(proto.kind()));
  if (proto.has_status()) {
    CROMT_ASSIGN(result.status, In("status.", ReadStatus(proto.status())));
  }
  result.reason = proto.reason();
  result.started_at = OptionalFromWire(proto.started_at_us());
  result.ended_at = OptionalFromWire(proto.ended_at_us());
  result.log_bytes = proto.log_bytes();
  result.returned = proto.returned();
  for (const v1::PublishedArtifact& artifact : proto.published()) result.published.push_back(ReadUnchecked(artifact));
  result.image_digest = proto.image_digest();
  return result;
}

Result<AttemptResult> FromProto(const v1::AttemptResult& proto) {
  CROMT_ASSIGN(AttemptResult result, ReadUnchecked(proto));
  if (result.status) CROMT_TRY(In("status.", CheckStatus(*result.status)));
  if (result.kind == AttemptResult::Kind::kExited && !result.status)
    return Invalid("status", "is missing, though the process exited");
  if (result.returned && result.kind != AttemptResult::Kind::kNotStarted)
    return Invalid("returned", "an attempt that may have started can't be returned");
  CROMT_TRY(CheckReason("reason", result.reason));
  CROMT_TRY(CheckWall("started_at_us", proto.started_at_us()));
  CROMT_TRY(CheckWall("ended_at_us", proto.ended_at_us()));
  CROMT_TRY(InRange("log_bytes", result.log_bytes, 0, kMaxLogBytes));
  if (!result.published.empty() && result.kind != AttemptResult::Kind::kExited)
    return Invalid("published", "an attempt that did not end by itself publishes nothing");
  if (result.published.size() > kMaxArtifacts)
    return Invalid("published",
                   fmt::format("{} artifacts; at most {} are allowed", result.published.size(), kMaxArtifacts));
  for (const PublishedArtifact& artifact : result.published) {
    CROMT_TRY(In("published: ", CheckArtifact(artifact)));
    CROMT_TRY(In("published: ", CheckName("grant", artifact.grant)));
  }
  if (!result.image_digest.empty()) CROMT_TRY(In("image_digest: ", CheckImageDigest(result.image_digest)));
  return result;
}

}  // namespace cromt::wire
