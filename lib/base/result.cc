#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace cromt {

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kCanceled: return "canceled";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kInternal: return "internal";
  }
  return "unknown";
}

namespace {

ErrorCode CodeOf(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE: return ErrorCode::kConflict;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ErrorCode::kExhausted;
    case ETIMEDOUT: return ErrorCode::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH: return ErrorCode::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP: return ErrorCode::kInvalid;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

Error ErrnoError(std::string_view what, int errno_value) {
  return Error{CodeOf(errno_value), std::string(what) + ": " + std::strerror(errno_value)};
}

}  // namespace cromt
