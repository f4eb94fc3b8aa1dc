// Where rules look for lines: everywhere, or within begin:, between: or within:. Inside of those, each rule that
// matches narrows what the next one sees, and what matched is collected in streams, one for each place in the text
// where the context applies.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "agent/step/check/checked_text.h"

namespace cromt::step {

struct ContextLine {
  static constexpr int64_t kNone = -1;
  uint32_t index = 0;      // in the text
  int64_t next = kNone;    // as Sparrow's streams have it: in sequences the line that has to come next
  int64_t stream = kNone;  // none: not decided yet
};

// A line that a rule matched.
struct Hit {
  ContextLine line;
  std::vector<std::string_view> captured;  // empty: the line itself
};

class SearchContext {
 public:
  enum class Kind { kAllLines, kSequence, kRange, kWithin };
  using Streams = std::map<int64_t, std::vector<Hit>>;

  SearchContext(Kind kind, std::shared_ptr<const CheckedText> text, std::vector<ContextLine> lines, size_t streams);

  Kind kind() const { return kind_; }
  const CheckedText& text() const { return *text_; }
  const std::vector<ContextLine>& lines() const { return lines_; }
  const Streams& streams() const { return streams_; }
  bool just_started() const { return just_started_; }

  // True if a rule that no line may match fails when it was matched in this many of the streams.
  bool FailsWhenMatchedIn(size_t streams) const;

  // After a rule that failed. A sequence has ended; a range keeps its lines, but has no streams any more.
  void Fail();
  // After a rule that held for these lines, in their order; not empty. They may be of a rule that failed, too.
  void Narrow(const std::vector<Hit>& hits);

 private:
  void NarrowSequence(const std::vector<Hit>& hits);
  void NarrowRange(const std::vector<Hit>& hits);

  const Kind kind_;
  const std::shared_ptr<const CheckedText> text_;
  std::vector<ContextLine> lines_;
  const size_t initial_streams_;
  Streams streams_;
  std::set<int64_t> all_streams_, failed_streams_;
  bool just_started_ = true;
  bool collects_ = true;  // no rule of this range failed
};

}  // namespace cromt::step
