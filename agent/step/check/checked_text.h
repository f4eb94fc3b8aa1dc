// The text that rules look at: what a task printed, or a file. Immutable, any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxCheckedTextBytes = 64 << 20;
inline constexpr size_t kMaxCheckedLines = 1'000'000;

class CheckedText {
 public:
  // Cuts at LF and CR LF. Bytes that are no UTF-8, and the noncharacters U+FDD0 to U+FDDF, become U+FFFD.
  // kExhausted: it is too large, or a line is longer than kMaxLineBytes (regex.h).
  static Result<std::shared_ptr<const CheckedText>> From(std::string text);

  CheckedText(const CheckedText&) = delete;  // the lines point into the text
  CheckedText& operator=(const CheckedText&) = delete;

  size_t size() const { return lines_.size(); }
  std::string_view Line(size_t index) const { return lines_[index]; }

 private:
  explicit CheckedText(std::string text) : text_(std::move(text)) {}

  std::string text_;
  std::vector<std::string_view> lines_;
};

}  // namespace cromt::step
