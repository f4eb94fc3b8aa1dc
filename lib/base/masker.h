// Replaces secrets in a stream of text, however it is cut into pieces: what is a pattern of MaskPatterns, or overlaps
// one, becomes "***". Text that may be the beginning of one is held back until more has come or Finish is called; that
// is never more than three times the longest pattern, and nothing else is held.
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mask_patterns.h"

namespace cromt {

inline constexpr std::string_view kMask = "***";

class Masker {
 public:
  explicit Masker(std::shared_ptr<const MaskPatterns> patterns);

  // Appends to `out` what can be said after `text`.
  void Add(std::string_view text, std::string& out);
  // Appends what is held. The next text is another one.
  void Finish(std::string& out);

  bool holds_something() const { return !held_.empty(); }

 private:
  // Bytes of the stream, counted from its beginning.
  struct Span {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  // One way of reading the stream, with what it may be in the middle of.
  class Reading {
   public:
    explicit Reading(const PatternTree& tree) : tree_(&tree) {}
    // The next character, that stands in this span; found spans are added.
    void Take(unsigned char c, Span at, std::vector<Span>& found);
    // A line ends: nothing goes on behind it of which less than `least` was seen, or which is whole without more.
    void EndLine(uint32_t least);
    void Forget();
    // Where that begins of which more may come; `otherwise` if there is nothing.
    uint64_t OpenFrom(uint64_t otherwise) const { return state_ == 0 ? otherwise : starts_[first_]; }
    bool idle() const { return state_ == 0; }

   private:
    void Trim();

    const PatternTree* tree_;
    uint32_t state_ = 0;
    // Where each character lies that the state stands for: those from `first_` on.
    std::vector<uint64_t> starts_;
    size_t first_ = 0;
  };

  size_t Dull(std::string_view text) const;
  void TakeDecoded(unsigned char c, uint64_t at);
  void TakeBase64(unsigned char c, uint64_t at);
  void EndEscape();
  void Release(uint64_t until, std::string& out);

  std::shared_ptr<const MaskPatterns> patterns_;
  Reading plain_;
  Reading decoded_;     // with %XX read
  Reading base64_;      // without line ends
  std::string escape_;  // the beginning of a %XX
  int line_ends_ = 0;   // since the last character of base64_
  uint64_t seen_ = 0;   // bytes so far
  std::string held_;    // the last of them
  std::vector<Span> found_;
};

// A text by itself.
std::string Masked(const std::shared_ptr<const MaskPatterns>& patterns, std::string_view text);

}  // namespace cromt
