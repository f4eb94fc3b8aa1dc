#include "cli/live_region.h"

#include <fmt/format.h>

namespace cromt::cli {
namespace {

constexpr std::string_view kClearBelow = "\r\x1B[J";
constexpr std::string_view kClearRest = "\x1B[K";
// A row that is too long after a resize is cut, not wrapped.
constexpr std::string_view kNoWrap = "\x1B[?7l";
constexpr std::string_view kWrap = "\x1B[?7h";

}  // namespace

void LiveRegion::Print(Writer& to, std::string_view text) {
  if (text.empty()) return;
  Clear();
  if (open_by_ && open_by_ != &to) terminal_.Write("\n");
  to.Write(text);
  open_by_ = text.back() == '\n' ? nullptr : &to;
}

void LiveRegion::Draw(const std::vector<std::string>& lines) {
  if (open_by_) return;
  if (lines.empty()) return Clear();
  std::string text;
  text.append(kNoWrap).append("\r").append(kClearRest);
  for (const std::string& line : lines) text.append("\r\n").append(line).append(kClearRest);
  // What was below, if there were more lines before.
  text.append("\x1B[J").append(fmt::format("\x1B[{}A\r", lines.size())).append(kWrap);
  terminal_.Write(text);
  drawn_ = true;
}

void LiveRegion::Clear() {
  if (drawn_) terminal_.Write(kClearBelow);
  drawn_ = false;
}

}  // namespace cromt::cli
