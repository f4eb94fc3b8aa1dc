#include "core/why.h"

#include <algorithm>

namespace cromt {

std::string CutWhy(std::string text) {
  if (text.size() <= kMaxWhyText) return text;
  size_t end = kMaxWhyText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a UTF-8 sequence
  text.resize(end);
  return text + "…";
}

std::string EndText(const TaskStatus& status) {
  std::string text(status.outcome ? ToString(*status.outcome) : ToString(status.state));
  std::replace(text.begin(), text.end(), '_', ' ');
  std::string_view reason = status.reason;
  // "lost: …" and "canceled by …" begin as their outcome is called.
  const bool is_said = reason.starts_with(text);
  if (is_said) reason.remove_prefix(text.size());
  if (status.ignored) text += ", which counts as succeeded";
  if (!reason.empty()) text += is_said ? "" : ": ";
  return text.append(reason);
}

std::string_view ToString(WhyKind kind) {
  switch (kind) {
    case WhyKind::kHeld: return "held";
    case WhyKind::kSources: return "sources";
    case WhyKind::kNeeds: return "needs";
    case WhyKind::kAfter: return "after";
    case WhyKind::kLane: return "lane";
    case WhyKind::kLaneLost: return "lane_lost";
    case WhyKind::kParallel: return "parallel";
    case WhyKind::kBehind: return "behind";
    case WhyKind::kSlots: return "slots";
    case WhyKind::kPaused: return "paused";
    case WhyKind::kRefuses: return "refuses";
    case WhyKind::kUnreachable: return "unreachable";
    case WhyKind::kRetry: return "retry";
    case WhyKind::kLeased: return "leased";
    case WhyKind::kRunning: return "running";
    case WhyKind::kStopping: return "stopping";
    case WhyKind::kSilent: return "silent";
    case WhyKind::kEnded: return "ended";
    case WhyKind::kEarlier: return "earlier";
    case WhyKind::kWaited: return "waited";
    case WhyKind::kOutput: return "output";
    case WhyKind::kProgress: return "progress";
  }
  return "";
}

std::optional<WhyKind> WhyKindFrom(std::string_view text) {
  for (int i = 0; !ToString(static_cast<WhyKind>(i)).empty(); ++i)
    if (ToString(static_cast<WhyKind>(i)) == text) return static_cast<WhyKind>(i);
  return std::nullopt;
}

}  // namespace cromt
