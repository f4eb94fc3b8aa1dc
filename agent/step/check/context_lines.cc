#include "agent/step/check/context_lines.h"

#include <optional>
#include <set>

#include "agent/step/check/regex.h"

namespace cromt::step {
namespace {

using TextPointer = std::shared_ptr<const CheckedText>;

// A boundary that lines can be asked about.
class Edge {
 public:
  static Result<Edge> From(const Boundary& boundary) {
    Edge edge;
    if (const auto* index = std::get_if<size_t>(&boundary)) {
      edge.index_ = *index;
      return edge;
    }
    CROMT_ASSIGN(edge.regex_, Regex::Compile(std::get<std::string>(boundary)));
    return edge;
  }

  bool IsIndex() const { return index_.has_value(); }
  size_t index() const { return *index_; }
  // Whether the line with this index is it.
  Result<bool> IsAt(const CheckedText& text, size_t index) const {
    if (index_) return *index_ == index;
    return regex_->Matches(text.Line(index));
  }

 private:
  std::optional<size_t> index_;
  std::optional<Regex> regex_;
};

ContextLine LineOf(size_t index, int64_t stream) {
  return {.index = static_cast<uint32_t>(index), .next = static_cast<int64_t>(index), .stream = stream};
}

// Lines and the number of streams that they began in; what is left open at the end counts as a stream, too.
struct Range {
  std::vector<ContextLine> lines;
  std::set<int64_t> streams;
};

// Both boundaries are regexes: as many ranges as there are.
Result<Range> RepeatedRange(const CheckedText& text, const Edge& from, const Edge& to) {
  Range range;
  std::vector<ContextLine> open_lines;
  bool open = false;
  int64_t stream = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    CROMT_ASSIGN(const bool begins, from.IsAt(text, i));
    stream += begins ? 1 : 0;
    if (!open && !begins) continue;
    CROMT_ASSIGN(const bool ends, to.IsAt(text, i));
    range.streams.insert(stream);
    if (begins) open_lines.clear();
    open_lines.push_back(LineOf(i, stream));
    if (ends) {
      range.lines.insert(range.lines.end(), open_lines.begin(), open_lines.end());
      open_lines.clear();
    }
    open = !open || !ends;  // a range doesn't end on the line it begins on, though what is in it by then counts
  }
  return range;
}

// A boundary is an index: one range, which goes on where a regex begins it again.
Result<Range> SingleRange(const CheckedText& text, const Edge& from, const Edge& to) {
  Range range;
  bool open = false;
  int64_t stream = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (to.IsIndex() && i > to.index()) break;
    CROMT_ASSIGN(const bool begins, from.IsAt(text, i));
    stream += begins ? 1 : 0;
    open |= begins;
    if (!open) continue;
    range.streams.insert(stream);
    range.lines.push_back(LineOf(i, stream));
    if (to.IsIndex()) continue;
    CROMT_ASSIGN(const bool ends, to.IsAt(text, i));
    if (ends) break;
  }
  return range;
}

}  // namespace

std::shared_ptr<SearchContext> AllLines(TextPointer text, SearchContext::Kind kind) {
  std::vector<ContextLine> lines(text->size());
  for (size_t i = 0; i < lines.size(); ++i)
    lines[i] = {.index = static_cast<uint32_t>(i),
                .next = i + 1 < lines.size() ? static_cast<int64_t>(i + 1) : ContextLine::kNone,
                .stream = ContextLine::kNone};
  return std::make_shared<SearchContext>(kind, std::move(text), std::move(lines), 0);
}

Result<std::shared_ptr<SearchContext>> LinesBetween(TextPointer text, const RangeRule& rule) {
  CROMT_ASSIGN(const Edge from, Edge::From(rule.from));
  CROMT_ASSIGN(const Edge to, Edge::From(rule.to));
  const bool repeats = !from.IsIndex() && !to.IsIndex();
  CROMT_ASSIGN(Range range, repeats ? RepeatedRange(*text, from, to) : SingleRange(*text, from, to));
  return std::make_shared<SearchContext>(SearchContext::Kind::kRange, std::move(text), std::move(range.lines),
                                         range.streams.size());
}

Result<std::shared_ptr<SearchContext>> LinesWithin(TextPointer text, const WithinRule& within) {
  CROMT_ASSIGN(const Edge where, Edge::From(within.where));
  std::vector<ContextLine> lines;
  for (size_t i = 0; i < text->size(); ++i) {
    CROMT_ASSIGN(const bool matches, where.IsAt(*text, i));
    if (!matches) continue;
    const int64_t stream = where.IsIndex() ? 0 : static_cast<int64_t>(lines.size()) + 1;
    lines.push_back({.index = static_cast<uint32_t>(i), .next = static_cast<int64_t>(i) + 1, .stream = stream});
  }
  return std::make_shared<SearchContext>(SearchContext::Kind::kWithin, std::move(text), std::move(lines), 0);
}

}  // namespace cromt::step
