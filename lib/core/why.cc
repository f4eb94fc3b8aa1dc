#include "core/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace cromt {
namespace {

constexpr size_t kMostHosts = 3;  // that one sentence names

bool IsOfName(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

// Where it is not a part of a longer name.
std::string Replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at + what.size();
    const bool is_it = text.substr(at).starts_with(what) && (at == 0 || !IsOfName(text[at - 1])) &&
                       (end == text.size() || !IsOfName(text[end]));
    result += is_it ? by : text.substr(at, 1);
    at = is_it ? end : at + 1;
  }
  return result;
}

}  // namespace

std::string WithoutHost(std::string_view reason, const PlannedHost& host) {
  if (reason.empty() || host.address.empty()) return std::string(reason);
  constexpr std::string_view kAny = "\x01";
  std::string text = Replaced(reason, HostText(host), kAny);
  text = Replaced(text, host.address, kAny);
  const std::string_view name = std::string_view(host.address).substr(0, host.address.rfind(':'));
  // A number is more likely an exit code, or a duration.
  return name.find_first_not_of("0123456789") == name.npos ? text : Replaced(text, name, kAny);
}

void ToldHosts::Add(const PlannedHost& host) {
  if (addresses_.find(host.address) == addresses_.end()) {
    addresses_.insert(host.address);
    if (first_.size() < kMostHosts) first_.push_back(host);
    return;
  }
  for (PlannedHost& first : first_)
    if (first.address == host.address && first.id != host.id) first.id.clear();
}

std::string ToldHosts::Tell(std::string sentence, const PlannedHost& host) const {
  const std::string own = HostText(host);
  if (own.empty() || first_.empty()) return sentence;
  std::string all;
  for (const PlannedHost& first : first_) all += (all.empty() ? "" : ", ") + HostText(first);
  if (addresses_.size() > first_.size())
    all += fmt::format(" and {} more addresses", addresses_.size() - first_.size());
  return Replaced(sentence, own, all);
}

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

std::string HostText(const PlannedHost& host) {
  if (host.id.empty() || host.id == host.address) return host.address;
  return host.id + " (" + host.address + ")";
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
