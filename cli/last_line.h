// The last line that a task has printed, for a line of ours: made from its pieces as they come. Bounded; not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cromt::cli {

class LastLine {
 public:
  static constexpr size_t kMaxBytes = 512;  // of a line; what is longer is cut

  // Output of attempt `attempt`, from `offset` on. What came before, again after a broken connection, is ignored; so is
  // an older attempt.
  void Add(uint32_t attempt, int64_t offset, std::string_view data);
  // The newest line that is not blank, as the job wrote it, also where it has no end yet.
  std::string_view text() const { return IsBlank(open_) ? std::string_view(ended_) : std::string_view(open_); }

 private:
  static bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }
  void EndLine();

  uint32_t attempt_ = 0;
  int64_t next_offset_ = 0;
  std::string ended_;
  std::string open_;
};

}  // namespace cromt::cli
