// Our errors as gRPC statuses and back; the one place where the two meet.
#pragma once

#include "base/result.h"
#include "io/rpc/plain_words.h"

namespace grpc {
class Status;
}

namespace cromt::rpc {

grpc::Status ToStatus(const Error& error);
// Its message in plain words.
// REQUIRES: !status.ok().
Error FromStatus(const grpc::Status& status);

}  // namespace cromt::rpc
