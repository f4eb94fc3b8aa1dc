#include "core/why.h"

namespace cromt {

std::string_view ToString(WhyKind kind) {
  switch (kind) {
    case WhyKind::kSources: return "sources";
    case WhyKind::kNeeds: return "needs";
    case WhyKind::kAfter: return "after";
    case WhyKind::kLane: return "lane";
    case WhyKind::kLaneLost: return "lane_lost";
    case WhyKind::kParallel: return "parallel";
    case WhyKind::kBehind: return "behind";
    case WhyKind::kSlots: return "slots";
    case WhyKind::kPaused: return "paused";
    case WhyKind::kUnreachable: return "unreachable";
    case WhyKind::kRetry: return "retry";
    case WhyKind::kLeased: return "leased";
    case WhyKind::kRunning: return "running";
    case WhyKind::kStopping: return "stopping";
    case WhyKind::kSilent: return "silent";
    case WhyKind::kEnded: return "ended";
    case WhyKind::kEarlier: return "earlier";
    case WhyKind::kWaited: return "waited";
    case WhyKind::kProgress: return "progress";
  }
  return "";
}

std::optional<WhyKind> WhyKindFrom(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(WhyKind::kProgress); ++i)
    if (ToString(static_cast<WhyKind>(i)) == text) return static_cast<WhyKind>(i);
  return std::nullopt;
}

}  // namespace cromt
