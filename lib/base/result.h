// Errors as values. A function that can fail returns Result<T>; whoever calls it either handles the
// error, adds context and passes it up, or (once, at the edge) turns it into an exit code or a gRPC status.
// Exceptions of third-party libraries are caught in the folder that owns the library.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace cromt {

// Named by what a caller can do about it.
enum class ErrorCode {
  kInvalid,      // the input is wrong: fix it, do not repeat it
  kNotFound,     // the thing named does not exist
  kConflict,     // it exists already, or belongs to somebody else
  kDenied,       // the caller may not do this
  kUnavailable,  // the other side can't be reached or is not ready: later it may work
  kExhausted,    // a bound was hit: wait, or raise the limit
  kTimeout,      // a deadline passed
  kCanceled,     // somebody asked to stop
  kCorrupt,      // stored bytes are not what was written
  kInternal,     // our own mistake, or a system call that never fails failed
};

std::string_view ToString(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // a sentence for a person: what, where, what to do; no trailing newline

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

// Success, or an error; nothing else to return.
using Status = Result<void>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// "context: message", the code kept.
inline tl::unexpected<Error> Fail(std::string_view context, Error error) {
  error.message.insert(0, std::string(context) + ": ");
  return tl::unexpected<Error>(std::move(error));
}

// The code and text for a failed system call: "what: No such file or directory".
Error ErrnoError(std::string_view what, int errno_value);

}  // namespace cromt

// Returns the error of `expr` from the enclosing function; the value is dropped.
#define CROMT_TRY(expr)                                                           \
  do {                                                                            \
    if (auto cromt_try_result = (expr); !cromt_try_result)                        \
      return tl::unexpected<::cromt::Error>(std::move(cromt_try_result).error()); \
  } while (false)

// CROMT_ASSIGN(auto x, F()): declares x with the value of F(), or returns F()'s error.
#define CROMT_ASSIGN(declaration, expr) CROMT_ASSIGN_(declaration, expr, CROMT_CONCAT_(cromt_result_, __LINE__))
#define CROMT_ASSIGN_(declaration, expr, temporary)                                    \
  auto temporary = (expr);                                                             \
  if (!temporary) return tl::unexpected<::cromt::Error>(std::move(temporary).error()); \
  declaration = std::move(*temporary)
#define CROMT_CONCAT_(a, b) CROMT_CONCAT2_(a, b)
#define CROMT_CONCAT2_(a, b) a##b
