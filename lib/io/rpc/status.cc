#include "io/rpc/status.h"

#include <grpcpp/support/status.h>

namespace cromt::rpc {
grpc::Status ToStatus(const Error& error) {
  using grpc::StatusCode;
  StatusCode code = StatusCode::INTERNAL;
  switch (error.code) {
    case ErrorCode::kInvalid: code = StatusCode::INVALID_ARGUMENT; break;
    case ErrorCode::kNotFound: code = StatusCode::NOT_FOUND; break;
    case ErrorCode::kConflict: code = StatusCode::FAILED_PRECONDITION; break;
    case ErrorCode::kDenied: code = StatusCode::PERMISSION_DENIED; break;
    case ErrorCode::kUnavailable: code = StatusCode::UNAVAILABLE; break;
    case ErrorCode::kExhausted: code = StatusCode::RESOURCE_EXHAUSTED; break;
    case ErrorCode::kTimeout: code = StatusCode::DEADLINE_EXCEEDED; break;
    case ErrorCode::kCanceled: code = StatusCode::CANCELLED; break;
    case ErrorCode::kCorrupt: code = StatusCode::DATA_LOSS; break;
    case ErrorCode::kInternal: code = StatusCode::INTERNAL; break;
  }
  return {code, error.message};
}

Error FromStatus(const grpc::Status& status) {
  using grpc::StatusCode;
  ErrorCode code = ErrorCode::kInternal;
  switch (status.error_code()) {
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::OUT_OF_RANGE: code = ErrorCode::kInvalid; break;
    case StatusCode::NOT_FOUND: code = ErrorCode::kNotFound; break;
    case StatusCode::FAILED_PRECONDITION:
    case StatusCode::ALREADY_EXISTS:
    case StatusCode::ABORTED: code = ErrorCode::kConflict; break;
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED: code = ErrorCode::kDenied; break;
    case StatusCode::UNAVAILABLE: code = ErrorCode::kUnavailable; break;
    case StatusCode::RESOURCE_EXHAUSTED: code = ErrorCode::kExhausted; break;
    case StatusCode::DEADLINE_EXCEEDED: code = ErrorCode::kTimeout; break;
    case StatusCode::CANCELLED: code = ErrorCode::kCanceled; break;
    case StatusCode::DATA_LOSS: code = ErrorCode::kCorrupt; break;
    default: break;
  }
  return {code, PlainWords(status.error_message())};
}

}  // namespace cromt::rpc
