// Small steps that the conversions share; for lib/io/wire only. All are pure.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/session_level.h"

namespace cromt::wire {

// "field: complaint".
tl::unexpected<Error> Invalid(std::string_view field, std::string_view complaint);

// `prefix` put before the message of a failure: In("spec.", …) makes "variables: …" a "spec.variables: …".
template <class T>
Result<T> In(std::string_view prefix, Result<T> result) {
  if (!result) result.error().message.insert(0, prefix);
  return result;
}

// The same for an item of a list; people count from 1: "lease 3: …".
template <class T>
Result<T> InItem(std::string_view what, size_t index, Result<T> result) {
  if (!result) result.error().message.insert(0, std::string(what) + " " + std::to_string(index + 1) + ": ");
  return result;
}

// Appends to `to` what `read` (From → Result<To>) makes of each item.
template <class From, class To, class Read>
Status ReadItems(std::string_view what, const google::protobuf::RepeatedPtrField<From>& from, std::vector<To>& to,
                 Read read) {
  to.reserve(static_cast<size_t>(from.size()));
  for (const From& proto : from) {
    auto item = InItem(what, to.size(), read(proto));
    if (!item) return tl::unexpected(std::move(item).error());
    to.push_back(std::move(*item));
  }
  return {};
}

// kInvalid unless least <= value <= most.
Status InRange(std::string_view field, int64_t value, int64_t least, int64_t most);

// A duration as milliseconds, rounded up; kInvalid for one that is negative or longer than kMaxDuration.
int64_t ToMillis(Duration duration);
Result<Duration> ReadMillis(std::string_view field, int64_t millis);

// `oldest` may be 0, for `newest`. kInvalid for one beyond it.
Result<SessionLevels> ReadLevels(uint32_t newest, uint32_t oldest);

// kExhausted beyond kMaxBatch items.
Status CheckBatch(std::string_view field, int count);

// UTC microseconds of a wall clock: 1970 to 9999. Points beyond become the nearest one within on the way out, so that
// a host with a mad clock can still speak, and are an error on the way in.
int64_t WallToWire(Wall at);
Status CheckWall(std::string_view field, int64_t at_us);

// kInvalid for a sentence that is too long, or no text.
Status CheckReason(std::string_view field, const std::string& reason);

// Text for a `string` field, which must be UTF-8 without NUL or the receiver can't read the message: what is not
// becomes U+FFFD, and a text over `max_bytes` ends in "…".
std::string ToText(std::string_view text, size_t max_bytes = SIZE_MAX);

}  // namespace cromt::wire
