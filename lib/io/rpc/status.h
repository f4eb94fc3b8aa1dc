// Our errors as gRPC statuses and back; the one place where the two meet.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace grpc {
class Status;
}

namespace cromt::rpc {

// gRPC's own words for what goes wrong below a call, as people say it; any other text as it is. Pure.
std::string PlainWords(std::string_view message);

grpc::Status ToStatus(const Error& error);
// Its message in plain words.
// REQUIRES: !status.ok().
Error FromStatus(const grpc::Status& status);

}  // namespace cromt::rpc
