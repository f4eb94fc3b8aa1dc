#include "base/masker.h"

#include <algorithm>

namespace cromt {
namespace {

// A line may end within base64 only once so much of a pattern was seen; else each line whose last letter begins one
// would be held back.
constexpr uint32_t kBeforeLineEnd = 4;
constexpr int kMostLineEnds = 2;  // "\r\n"
constexpr size_t kMostTrimmed = 4096;

int HexDigit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Masker::Masker(std::shared_ptr<const MaskPatterns> patterns)
    : patterns_(std::move(patterns)),
      plain_(patterns_->plain()),
      decoded_(patterns_->plain()),
      base64_(patterns_->base64()) {}

void Masker::Reading::Take(unsigned char c, Span at, std::vector<Span>& found) {
  if (state_ == 0 && !tree_->Begins(c)) return;
  state_ = tree_->Step(state_, c);
  starts_.push_back(at.begin);
  if (const uint32_t length = tree_->Ending(state_)) found.push_back({starts_[starts_.size() - length], at.end});
  state_ = tree_->Open(state_);
  Trim();
}

void Masker::Reading::EndLine(uint32_t least) {
  while (state_ != 0 && (tree_->Depth(state_) < least || tree_->Ending(state_) == tree_->Depth(state_)))
    state_ = tree_->Shorter(state_);
  Trim();
}

void Masker::Reading::Trim() {
  first_ = starts_.size() - tree_->Depth(state_);
  if (state_ == 0 || first_ > kMostTrimmed) {
    starts_.erase(starts_.begin(), starts_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Masker::Reading::Forget() {
  state_ = 0;
  Trim();
}

void Masker::Add(std::string_view text, std::string& out) {
  held_ += text;
  while (!text.empty()) {
    const size_t dull = Dull(text);
    seen_ += dull;
    text.remove_prefix(dull);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    plain_.Take(byte, {seen_, seen_ + 1}, found_);
    TakeDecoded(byte, seen_);
    TakeBase64(byte, seen_);
    ++seen_;
    text.remove_prefix(1);
  }
  const uint64_t open = std::min(plain_.OpenFrom(seen_), base64_.OpenFrom(seen_));
  Release(std::min(open, decoded_.OpenFrom(seen_ - escape_.size())), out);
}

// How many of its first bytes change nothing: nothing is open, and none begins anything.
size_t Masker::Dull(std::string_view text) const {
  if (!plain_.idle() || !decoded_.idle() || !base64_.idle() || !escape_.empty()) return 0;
  size_t count = 0;
  while (count < text.size() && !patterns_->Begins(static_cast<unsigned char>(text[count]))) ++count;
  return count;
}

void Masker::Finish(std::string& out) {
  EndEscape();
  Release(seen_, out);
  plain_.Forget();
  decoded_.Forget();
  base64_.Forget();
  line_ends_ = 0;
}

void Masker::TakeDecoded(unsigned char c, uint64_t at) {
  if (!escape_.empty() && HexDigit(c) < 0) EndEscape();
  if (escape_.empty() && c != '%') return decoded_.Take(c, {at, at + 1}, found_);
  escape_ += static_cast<char>(c);
  if (escape_.size() < 3) return;
  const int byte = HexDigit(static_cast<unsigned char>(escape_[1])) * 16 + HexDigit(c);
  escape_.clear();
  decoded_.Take(static_cast<unsigned char>(byte), {at - 2, at + 1}, found_);
}

// It was none.
void Masker::EndEscape() {
  uint64_t at = seen_ - escape_.size();
  for (const char c : escape_) {
    decoded_.Take(static_cast<unsigned char>(c), {at, at + 1}, found_);
    ++at;
  }
  escape_.clear();
}

void Masker::TakeBase64(unsigned char c, uint64_t at) {
  const bool is_line_end = c == '\n' || c == '\r';
  line_ends_ = is_line_end ? line_ends_ + 1 : 0;
  if (!is_line_end) return base64_.Take(c, {at, at + 1}, found_);
  if (line_ends_ > kMostLineEnds) base64_.Forget();
  base64_.EndLine(kBeforeLineEnd);
}

// All before `until` has nothing to do with what comes.
void Masker::Release(uint64_t until, std::string& out) {
  std::sort(found_.begin(), found_.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  const uint64_t base = seen_ - held_.size();
  uint64_t at = base;
  size_t done = 0;
  while (done < found_.size()) {
    Span whole = found_[done];
    size_t next = done + 1;
    for (; next < found_.size() && found_[next].begin < whole.end; ++next)
      whole.end = std::max(whole.end, found_[next].end);
    if (whole.end > until) {
      until = std::min(until, whole.begin);
      break;
    }
    out.append(held_, at - base, whole.begin - at);
    out += kMask;
    at = whole.end;
    done = next;
  }
  found_.erase(found_.begin(), found_.begin() + static_cast<ptrdiff_t>(done));
  if (until > at) {
    out.append(held_, at - base, until - at);
    at = until;
  }
  held_.erase(0, at - base);
}

std::string Masked(const std::shared_ptr<const MaskPatterns>& patterns, std::string_view text) {
  std::string out;
  Masker masker(patterns);
  masker.Add(text, out);
  masker.Finish(out);
  return out;
}

}  // namespace cromt
