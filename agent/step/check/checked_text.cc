#include "agent/step/check/checked_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/step/check/regex.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kMarkBytes = "\xEF\xB7";  // and 90 to 9F

bool IsMark(std::string_view character) {
  return character.size() == 3 && character.starts_with(kMarkBytes) &&
         static_cast<unsigned char>(character[2]) >= 0x90 && static_cast<unsigned char>(character[2]) <= 0x9F;
}

std::string Cleaned(std::string text) {
  if (IsUtf8(text) && text.find(kMarkBytes) == std::string::npos) return text;
  std::string cleaned;
  cleaned.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const size_t size = Utf8SequenceLength(rest);
    const std::string_view character = rest.substr(0, std::max<size_t>(size, 1));
    cleaned += size == 0 || IsMark(character) ? kReplacement : character;
    rest.remove_prefix(character.size());
  }
  return cleaned;
}

}  // namespace

Result<std::shared_ptr<const CheckedText>> CheckedText::From(std::string text) {
  if (text.size() > kMaxCheckedTextBytes)
    return Fail(ErrorCode::kExhausted, fmt::format("more than {} MiB of text to check", kMaxCheckedTextBytes >> 20));
  std::shared_ptr<CheckedText> checked(new CheckedText(Cleaned(std::move(text))));
  for (std::string_view rest = checked->text_; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > kMaxLineBytes)
      return Fail(ErrorCode::kExhausted, fmt::format("a line of more than {} MiB to check", kMaxLineBytes >> 20));
    if (checked->lines_.size() == kMaxCheckedLines)
      return Fail(ErrorCode::kExhausted, fmt::format("more than {} lines to check", kMaxCheckedLines));
    checked->lines_.push_back(line);
  }
  return checked;
}

}  // namespace cromt::step
