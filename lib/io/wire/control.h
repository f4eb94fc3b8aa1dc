// Views of runs, agents and output as messages of coordinator.proto and back: what server and CLI share.
#pragma once

#include "base/result.h"
#include "core/control.h"
#include "cromt/v1/coordinator.pb.h"

namespace cromt::wire {

void ToProto(const RunView& run, v1::Run& proto);
// kInvalid for a word that we do not know: the other side is of another version.
Result<RunView> FromProto(const v1::Run& proto);

void ToProto(const TaskView& task, v1::Task& proto);
Result<TaskView> FromProto(const v1::Task& proto);

void ToProto(const AgentView& agent, v1::ListAgentsResponse::Agent& proto);
AgentView FromProto(const v1::ListAgentsResponse::Agent& proto);

void ToProto(const RevisionView& revision, v1::Revision& proto);
RevisionView FromProto(const v1::Revision& proto);

void ToProto(LogPiece piece, const std::string& run, v1::LogChunk& proto);
LogPiece PieceFromProto(v1::LogChunk& proto);

void ToProto(const ArtifactView& artifact, v1::Artifact& proto);
Result<ArtifactView> FromProto(const v1::Artifact& proto);

}  // namespace cromt::wire
