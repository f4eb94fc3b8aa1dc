// What a task is, which attempt is meant and how it ended: core values to and from their messages.
//
// ToProto fills a message that is empty. It can't fail and what it makes can always be read: text that is not UTF-8 is
// mended, a wall clock is kept within 1970 to 9999, durations are rounded up to milliseconds.
// FromProto trusts nothing: its errors are kInvalid and begin with the field ("variables: …").
// All functions are pure and may be called from any thread.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "base/result.h"
#include "core/model.h"
#include "cromt/v1/types.pb.h"

namespace cromt::wire {

inline constexpr size_t kMaxReasonBytes = 512;  // a longer one is cut by ToProto and refused by FromProto
// Output of one attempt; far above any log limit, and a million of them can still be added up.
inline constexpr int64_t kMaxLogBytes = int64_t{1} << 41;

void ToProto(const TaskSpec& spec, v1::TaskSpec& proto);
Result<TaskSpec> FromProto(const v1::TaskSpec& proto);  // checked by Check (io/wire/check.h)

void ToProto(const Variables& variables, google::protobuf::RepeatedPtrField<v1::Variable>& proto);
Result<Variables> FromProto(const google::protobuf::RepeatedPtrField<v1::Variable>& proto);

void ToProto(const Source& source, v1::Source& proto);
Result<Source> FromProto(const v1::Source& proto);

void ToProto(const Digest& digest, v1::Digest& proto);
Result<Digest> FromProto(const v1::Digest& proto);  // an empty one is an error

void ToProto(const AttemptId& id, v1::AttemptId& proto);
Result<AttemptId> FromProto(const v1::AttemptId& proto);

void ToProto(const ExitStatus& status, v1::ExitStatus& proto);
Result<ExitStatus> FromProto(const v1::ExitStatus& proto);

void ToProto(const AttemptResult& result, v1::AttemptResult& proto);
Result<AttemptResult> FromProto(const v1::AttemptResult& proto);

void ToProto(const PublishedArtifact& artifact, v1::PublishedArtifact& proto);
void ToProto(const BlobTicket& ticket, v1::BlobTicket& proto);
Result<BlobTicket> FromProto(const v1::BlobTicket& proto);
void ToProto(const LeaseInputs& inputs, google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto);
Result<LeaseInputs> FromProto(const google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto);

void ToProto(const Container& container, v1::Container& proto);
Result<Container> FromProto(const v1::Container& proto);  // checked by CheckContainer
void ToProto(const Confinement& confinement, v1::Confinement& proto);
// kInvalid for what is unknown: it is never taken for less than was asked for.
Result<Confinement> FromProto(const v1::Confinement& proto);

void ToProto(const Resources& limits, v1::Resources& proto);

// The same without any rule that may be tightened one day, for what this host wrote itself (its journal). Fails only
// where there is no core value for what the message holds.
Result<TaskSpec> ReadUnchecked(const v1::TaskSpec& proto);
Result<AttemptResult> ReadUnchecked(const v1::AttemptResult& proto);
PublishedArtifact ReadUnchecked(const v1::PublishedArtifact& proto);
BlobTicket ReadUnchecked(const v1::BlobTicket& proto);
LeaseInputs ReadUnchecked(const google::protobuf::RepeatedPtrField<v1::LeaseInput>& proto);

}  // namespace cromt::wire
