#include "io/wire/field.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "core/messages.h"
#include "io/wire/check.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

constexpr int64_t kMaxMillis = std::chrono::duration_cast<milliseconds>(kMaxDuration).count();
constexpr int64_t kMaxWallMicros = 253'402'300'799'999'999;  // the end of 9999
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "…";

bool IsText(std::string_view text) {
  return IsUtf8(text) && text.find('\0') == text.npos;
}

}  // namespace

tl::unexpected<Error> Invalid(std::string_view field, std::string_view complaint) {
  return Fail(ErrorCode::kInvalid, fmt::format("{}: {}", field, complaint));
}

Status InRange(std::string_view field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return Invalid(field, fmt::format("{} is not within {} and {}", value, least, most));
}

int64_t ToMillis(Duration duration) {
  return std::chrono::ceil<milliseconds>(duration).count();
}

Result<Duration> ReadMillis(std::string_view field, int64_t millis) {
  CROMT_TRY(InRange(field, millis, 0, kMaxMillis));
  return Duration(milliseconds(millis));
}

Result<SessionLevels> ReadLevels(uint32_t newest, uint32_t oldest) {
  if (oldest > newest)
    return Invalid("oldest_protocol", fmt::format("{} is newer than the newest, {}", oldest, newest));
  return SessionLevels{newest, oldest == 0 ? newest : oldest};
}

Status CheckBatch(std::string_view field, int count) {
  if (static_cast<size_t>(count) <= kMaxBatch) return {};
  return Fail(ErrorCode::kExhausted, fmt::format("{}: {} items; a message may hold {}", field, count, kMaxBatch));
}

int64_t WallToWire(Wall at) {
  return std::clamp<int64_t>(Micros(at), 0, kMaxWallMicros);
}

Status CheckWall(std::string_view field, int64_t at_us) {
  return InRange(field, at_us, 0, kMaxWallMicros);
}

Status CheckReason(std::string_view field, const std::string& reason) {
  if (reason.size() > kMaxReasonBytes)
    return Invalid(field, fmt::format("{} bytes; at most {} are allowed", reason.size(), kMaxReasonBytes));
  if (!IsText(reason)) return Invalid(field, "is not UTF-8 without NUL");
  return {};
}

std::string ToText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes && IsText(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    size_t length = text[0] == '\0' ? 0 : Utf8SequenceLength(text);
    std::string_view piece = length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
    if (out.size() + piece.size() + (text.empty() ? 0 : kEllipsis.size()) > max_bytes) return out.append(kEllipsis);
    out += piece;
  }
  return out;
}

}  // namespace cromt::wire
