// Our errors as gRPC statuses and back; the one place where the two meet.
#pragma once

#include "base/result.h"

namespace grpc {
class Status;
}

namespace cromt::rpc {

grpc::Status ToStatus(const Error& error);
// REQUIRES: !status.ok().
Error FromStatus(const grpc::Status& status);

}  // namespace cromt::rpc
