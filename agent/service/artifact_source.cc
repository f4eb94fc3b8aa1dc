#include "agent/service/artifact_source.h"

#include <string>

#include "io/wire/task.h"

namespace cromt::service {

Result<GivenArtifact> ArtifactSource::Open(const AgentGate::Caller& caller, const v1::GetBlobRequest& request) {
  CROMT_TRY(gate_.Check(caller, AgentCall::kBlob));
  const std::string& self = agent_.identity().agent.text();
  if (!request.agent().empty() && request.agent() != self)
    return Fail(ErrorCode::kConflict, "this is agent " + self + ", not " + request.agent());
  CROMT_ASSIGN(const Digest digest, wire::FromProto(request.digest()));
  if (!request.has_ticket()) return Fail(ErrorCode::kDenied, "artifacts are given out for a ticket only");
  CROMT_ASSIGN(const BlobTicket ticket, wire::FromProto(request.ticket()));
  CROMT_TRY(agent_.holder_key().Check(ticket, digest, SystemClock().Read().wall));
  CROMT_TRY(gate_.CheckConsumer(caller, ticket.consumer));
  GivenArtifact given{.offset = request.offset(), .size_bytes = digest.size_bytes};
  CROMT_ASSIGN(given.place, PlaceOf(ticket.consumer));
  if (given.offset < 0 || given.offset > digest.size_bytes)
    return Fail(ErrorCode::kInvalid, "offset is beyond the end");
  CROMT_ASSIGN(given.file, agent_.blobs().Read(digest));
  return given;
}

Result<std::shared_ptr<void>> ArtifactSource::PlaceOf(const AgentId& consumer) {
  MutexLock lock(places_->mutex);
  if (places_->all == kAtOnce)
    return Fail(ErrorCode::kExhausted, "too many artifacts are being fetched from here at once");
  int& own = places_->of[consumer];
  if (own == kOfOne)
    return Fail(ErrorCode::kExhausted,
                std::to_string(kOfOne) + " artifacts are being fetched from here with tickets of one consumer");
  ++own;
  ++places_->all;
  return std::shared_ptr<void>(nullptr, [places = places_, consumer](std::nullptr_t) {
    MutexLock given_back(places->mutex);
    --places->all;
    if (--places->of[consumer] == 0) places->of.erase(consumer);
  });
}

}  // namespace cromt::service
