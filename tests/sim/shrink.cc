#include "tests/sim/shrink.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace cromt::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const SimOptions& options, const Simulation& simulate, int limit,
           const std::function<void(const std::string&)>& tell)
      : options_(options), simulate_(simulate), limit_(limit), tell_(tell) {}

  Shrunk Run() {
    best_.report = simulate_(options_);
    best_.part = options_.part;
    best_.tries = 1;
    if (best_.report.violations.empty()) return std::move(best_);
    kind_ = KindOf(best_.report.violations.front());
    FillIn();
    for (size_t before = 0; before != Size() && !Exhausted();) {
      before = Size();
      if (best_.part.self_starts) {
        Part part = best_.part;
        part.self_starts = false;
        (void)Try(part);
      }
      Reduce(&Part::faults);
      Reduce(&Part::starts);
      Reduce(&Part::jobs);
    }
    return std::move(best_);
  }

 private:
  bool Exhausted() const { return best_.tries >= limit_; }
  size_t Size() const {
    return best_.part.faults->size() + best_.part.starts->size() + best_.part.jobs->size() + best_.part.self_starts;
  }

  void FillIn() {
    auto all = [](uint64_t count) {
      std::set<uint64_t> numbers;
      for (uint64_t i = 1; i <= count; ++i) numbers.insert(numbers.end(), i);
      return numbers;
    };
    if (!best_.part.faults) best_.part.faults = all(best_.report.drawn);
    if (!best_.part.starts) best_.part.starts = all(best_.report.starts);
    if (!best_.part.jobs) best_.part.jobs = all(best_.report.jobs);
  }

  // Whether this part fails in the same way; then it is the best one from now on.
  bool Try(const Part& part) {
    if (Exhausted()) return false;
    ++best_.tries;
    SimOptions options = options_;
    options.part = part;
    SimReport report = simulate_(options);
    const bool same = std::ranges::any_of(report.violations, [&](const auto& v) { return KindOf(v) == kind_; });
    if (!same) return false;
    best_.part = part;
    best_.report = std::move(report);
    if (tell_)
      tell_(fmt::format("{} starts, {} jobs and {} faults still fail{}", part.starts->size(), part.jobs->size(),
                        part.faults->size(), part.self_starts ? "" : ", with nothing that starts by itself"));
    return true;
  }

  // Leaves out a half, then quarters, ... down to single ones.
  void Reduce(std::optional<std::set<uint64_t>> Part::*numbers) {
    for (size_t chunk = (best_.part.*numbers)->size(); chunk > 0 && !Exhausted(); chunk /= 2) {
      for (size_t at = 0; at < (best_.part.*numbers)->size() && !Exhausted();) {
        const std::vector<uint64_t> all((best_.part.*numbers)->begin(), (best_.part.*numbers)->end());
        Part part = best_.part;
        for (size_t i = at; i < std::min(at + chunk, all.size()); ++i) (part.*numbers)->erase(all[i]);
        if (!Try(part)) at += chunk;
      }
    }
  }

  const SimOptions options_;
  const Simulation& simulate_;
  const int limit_;
  const std::function<void(const std::string&)>& tell_;
  std::string kind_;
  Shrunk best_;
};

}  // namespace

Shrunk Shrink(const SimOptions& options, const Simulation& simulate, int limit,
              const std::function<void(const std::string&)>& tell) {
  return Shrinker(options, simulate, limit, tell).Run();
}

std::string KindOf(const std::string& violation) {
  // "invariant 3: …" says by its number what it is about.
  if (violation.starts_with("invariant ")) return violation.substr(0, violation.find(':'));
  std::string kind, word;
  for (const char c : violation + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    const bool plain = std::ranges::all_of(word, [](unsigned char l) { return std::isalpha(l) || std::ispunct(l); });
    if (plain && word.find('/') == std::string::npos) kind += word + " ";
    word.clear();
  }
  return kind;
}

std::string ArgumentsFor(const Part& part) {
  std::string text;
  auto add = [&](const char* name, const std::optional<std::set<uint64_t>>& numbers) {
    if (!numbers) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", name,
                        numbers->empty() ? "none" : fmt::format("{}", fmt::join(*numbers, ",")));
  };
  add("--starts", part.starts);
  add("--faults", part.faults);
  add("--jobs", part.jobs);
  if (!part.self_starts) text += text.empty() ? "--no-self-starts" : " --no-self-starts";
  return text;
}

}  // namespace cromt::sim
