#include "cli/line_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>

namespace cromt::cli {
namespace {

constexpr size_t kContext = 3;
constexpr int32_t kNotReached = -1;

// Lines as numbers, equal where the lines are.
using Numbers = std::vector<uint32_t>;

// A part of each text.
struct Box {
  size_t old_begin = 0, old_end = 0;
  size_t new_begin = 0, new_end = 0;
  size_t old_size() const { return old_end - old_begin; }
  size_t new_size() const { return new_end - new_begin; }
};

// A run of equal lines in the middle of a shortest way through a box; empty where that is only a point.
struct Snake {
  size_t old_begin = 0, new_begin = 0;
  size_t old_end = 0, new_end = 0;
};

class Differ {
 public:
  Differ(const Numbers& before, const Numbers& after, size_t most_steps)
      : before_(before), after_(after), steps_left_(most_steps) {}

  std::vector<LineChange> Run() {
    // Boxes still to be looked at, the first on top: no recursion, whatever the texts are.
    std::vector<Box> boxes = {{0, before_.size(), 0, after_.size()}};
    while (!boxes.empty()) {
      Box box = boxes.back();
      boxes.pop_back();
      Trim(box);
      if (box.old_size() == 0 || box.new_size() == 0) {
        Add(box);
        continue;
      }
      Snake middle;
      if (!FindMiddle(box, middle)) {
        Add(box);
        continue;
      }
      boxes.push_back({middle.old_end, box.old_end, middle.new_end, box.new_end});
      boxes.push_back({box.old_begin, middle.old_begin, box.new_begin, middle.new_begin});
    }
    return std::move(changes_);
  }

 private:
  // Leaves away what is the same at both ends.
  void Trim(Box& box) const {
    while (box.old_begin < box.old_end && box.new_begin < box.new_end &&
           before_[box.old_begin] == after_[box.new_begin]) {
      ++box.old_begin;
      ++box.new_begin;
    }
    while (box.old_begin < box.old_end && box.new_begin < box.new_end &&
           before_[box.old_end - 1] == after_[box.new_end - 1]) {
      --box.old_end;
      --box.new_end;
    }
  }

  void Add(const Box& box) {
    if (box.old_size() == 0 && box.new_size() == 0) return;
    if (!changes_.empty()) {
      LineChange& last = changes_.back();
      if (last.old_begin + last.old_count == box.old_begin && last.new_begin + last.new_count == box.new_begin) {
        last.old_count += box.old_size();
        last.new_count += box.new_size();
        return;
      }
    }
    changes_.push_back({box.old_begin, box.old_size(), box.new_begin, box.new_size()});
  }

  // Two ways through the box, from its beginning and from its end, each going on along the diagonals: the snake in
  // which they meet. False when that would cost more than is left. REQUIRES: the box is trimmed and has lines of both.
  bool FindMiddle(const Box& box, Snake& middle) {
    const auto n = static_cast<int64_t>(box.old_size()), m = static_cast<int64_t>(box.new_size());
    const int64_t delta = n - m, reach = (n + m + 1) / 2;
    const bool odd = (delta & 1) != 0;
    const size_t width = static_cast<size_t>(2 * reach + 2);
    if (Spend(width); steps_left_ == 0) return false;
    forward_.assign(width, kNotReached);
    backward_.assign(width, kNotReached);
    const auto at = [&](int64_t k) { return static_cast<size_t>(k + reach); };
    for (int64_t d = 0; d <= reach; ++d) {
      for (int64_t k = -d; k <= d; k += 2) {
        if (k < -m || k > n) continue;  // outside of the box
        int64_t x = d == 0 ? 0 : Step(forward_, k, d, at);
        const int64_t begin = x;
        while (x < n && x - k < m && before_[box.old_begin + Index(x)] == after_[box.new_begin + Index(x - k)]) ++x;
        Spend(static_cast<size_t>(x - begin) + 1);
        forward_[at(k)] = static_cast<int32_t>(x);
        const int64_t mirrored = delta - k;
        if (odd && mirrored >= -(d - 1) && mirrored <= d - 1 && x + backward_[at(mirrored)] >= n) {
          middle = SnakeOf(box, begin, begin - k, x, x - k);
          return true;
        }
      }
      for (int64_t k = -d; k <= d; k += 2) {
        if (k < -m || k > n) continue;
        int64_t x = d == 0 ? 0 : Step(backward_, k, d, at);
        const int64_t begin = x;
        while (x < n && x - k < m && before_[box.old_end - 1 - Index(x)] == after_[box.new_end - 1 - Index(x - k)]) ++x;
        Spend(static_cast<size_t>(x - begin) + 1);
        backward_[at(k)] = static_cast<int32_t>(x);
        const int64_t mirrored = delta - k;
        if (!odd && mirrored >= -d && mirrored <= d && x + forward_[at(mirrored)] >= n) {
          middle = SnakeOf(box, n - x, m - (x - k), n - begin, m - (begin - k));
          return true;
        }
      }
      if (steps_left_ == 0) return false;
    }
    return false;
  }

  // The farthest that is reached on diagonal k by one line taken out or put in.
  template <class At>
  static int64_t Step(const std::vector<int32_t>& farthest, int64_t k, int64_t d, const At& at) {
    const bool down = k == -d || (k != d && farthest[at(k - 1)] < farthest[at(k + 1)]);
    return down ? farthest[at(k + 1)] : farthest[at(k - 1)] + 1;
  }
  static size_t Index(int64_t x) { return static_cast<size_t>(x); }
  static Snake SnakeOf(const Box& box, int64_t x, int64_t y, int64_t to_x, int64_t to_y) {
    return {box.old_begin + Index(x), box.new_begin + Index(y), box.old_begin + Index(to_x),
            box.new_begin + Index(to_y)};
  }
  void Spend(size_t steps) { steps_left_ -= std::min(steps_left_, steps); }

  const Numbers& before_;
  const Numbers& after_;
  size_t steps_left_;
  std::vector<int32_t> forward_, backward_;  // by diagonal: how far into the old text
  std::vector<LineChange> changes_;
};

Numbers NumberLines(const std::vector<std::string_view>& lines, std::unordered_map<std::string_view, uint32_t>& known) {
  Numbers numbers;
  numbers.reserve(lines.size());
  for (std::string_view line : lines)
    numbers.push_back(known.try_emplace(line, static_cast<uint32_t>(known.size())).first->second);
  return numbers;
}

void AddLine(char mark, std::string_view line, std::string& out) {
  out += mark;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

// "12,3": where a hunk begins, from 1, and how many lines it has. Of none: the line before.
std::string Range(size_t begin, size_t count) {
  if (count == 1) return fmt::format("{}", begin + 1);
  return fmt::format("{},{}", count == 0 ? begin : begin + 1, count);
}

}  // namespace

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t size = end == text.npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

std::vector<LineChange> DiffLines(const std::vector<std::string_view>& before,
                                  const std::vector<std::string_view>& after, size_t most_steps) {
  std::unordered_map<std::string_view, uint32_t> known;
  const Numbers old_lines = NumberLines(before, known), new_lines = NumberLines(after, known);
  return Differ(old_lines, new_lines, most_steps).Run();
}

std::string UnifiedDiff(std::string_view before, std::string_view after, size_t most_steps) {
  const std::vector<std::string_view> old_lines = SplitLines(before), new_lines = SplitLines(after);
  const std::vector<LineChange> changes = DiffLines(old_lines, new_lines, most_steps);
  std::string out;
  for (size_t first = 0, next = 0; first < changes.size(); first = next) {
    // Changes whose surroundings touch share a hunk.
    for (next = first + 1; next < changes.size(); ++next)
      if (changes[next].old_begin - (changes[next - 1].old_begin + changes[next - 1].old_count) > 2 * kContext) break;
    const LineChange& last = changes[next - 1];
    const size_t lead = std::min(kContext, changes[first].old_begin);
    const size_t old_begin = changes[first].old_begin - lead, new_begin = changes[first].new_begin - lead;
    const size_t old_end = std::min(old_lines.size(), last.old_begin + last.old_count + kContext);
    const size_t new_end = std::min(new_lines.size(), last.new_begin + last.new_count + kContext);
    out += fmt::format("@@ -{} +{} @@\n", Range(old_begin, old_end - old_begin), Range(new_begin, new_end - new_begin));
    size_t at = old_begin;
    for (size_t i = first; i < next; ++i) {
      const LineChange& change = changes[i];
      for (; at < change.old_begin; ++at) AddLine(' ', old_lines[at], out);
      for (; at < change.old_begin + change.old_count; ++at) AddLine('-', old_lines[at], out);
      for (size_t line = 0; line < change.new_count; ++line) AddLine('+', new_lines[change.new_begin + line], out);
    }
    for (; at < old_end; ++at) AddLine(' ', old_lines[at], out);
  }
  return out;
}

}  // namespace cromt::cli
