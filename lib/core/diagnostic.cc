#include "core/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/name.h"

namespace cromt {
namespace {

std::string_view Word(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return "error";
}

// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`. REQUIRES: both under 64 bytes.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::array<size_t, 65> rows[3];
  std::iota(rows[1].begin(), rows[1].end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[2];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({rows[1][j] + 1, row[j - 1] + 1, rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], rows[0][j - 2] + 1);
    }
    rows[0] = rows[1];
    rows[1] = rows[2];
  }
  return rows[1][b.size()];
}

}  // namespace

std::string ToString(const Diagnostic& d) {
  if (d.at == Position{}) return fmt::format("{}: {}: {}", d.file, Word(d.severity), d.message);
  if (d.at.col == 0) return fmt::format("{}:{}: {}: {}", d.file, d.at.line, Word(d.severity), d.message);
  return fmt::format("{}:{}:{}: {}: {}", d.file, d.at.line, d.at.col, Word(d.severity), d.message);
}

std::string ErrorText(std::span<const Diagnostic> diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics) {
    if (d.severity != Severity::kError) continue;
    if (!text.empty()) text += '\n';
    text += ToString(d);
  }
  return text;
}

void Diagnostics::Add(Severity severity, Position at, std::string message) {
  if (++counts_[static_cast<size_t>(severity)] > kMaxShown) return;
  all_.push_back({severity, file_, at, std::move(message)});
}

std::vector<Diagnostic> Diagnostics::Take() {
  std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  all_.erase(std::unique(all_.begin(), all_.end()), all_.end());  // what an alias repeats is said once
  for (Severity severity : {Severity::kError, Severity::kWarning, Severity::kNote}) {
    size_t& count = counts_[static_cast<size_t>(severity)];
    if (count > kMaxShown)
      all_.push_back({severity, file_, {}, fmt::format("{} more of these are not shown", count - kMaxShown)});
    count = 0;
  }
  return std::exchange(all_, {});
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr size_t kMaxCandidates = 2000;
  if (word.empty() || word.size() > 64) return {};
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string_view nearest;
  for (std::string_view candidate : candidates.first(std::min(candidates.size(), kMaxCandidates))) {
    if (candidate.size() > 64) continue;
    size_t distance = EditDistance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view nearest = Nearest(word, candidates);
  return nearest.empty() ? std::string() : fmt::format("; did you mean {}?", Quote(nearest));
}

}  // namespace cromt
