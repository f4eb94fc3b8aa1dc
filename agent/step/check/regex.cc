#include "agent/step/check/regex.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "agent/step/check/marked_text.h"
#include "agent/step/check/regex_parser.h"
#include "agent/step/check/regex_reader.h"
#include "agent/step/check/regex_writer.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr int64_t kMaxProgramBytes = 4 << 20;
// RE2 may read a line to its end for each match in it: what all of that may come to for one line.
constexpr uint64_t kMaxScannedBytes = uint64_t{4} << 30;

// Of a line times the rounds of its marks.
constexpr size_t kMaxMarkedBytes = 4 << 20;

re2::StringPiece Piece(std::string_view text) {
  return {text.data(), text.size()};
}

Result<std::unique_ptr<RE2>> CompileProgram(const std::string& pattern) {
  if (pattern.empty()) return nullptr;
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMaxProgramBytes);
  auto program = std::make_unique<RE2>(pattern, options);
  if (!program->ok()) return RegexError(1, "the regex is too large: repeat less, or split it");
  return program;
}

// One match, as offsets into the text that was searched.
struct Found {
  size_t begin = 0;
  size_t end = 0;
  std::vector<re2::StringPiece> groups;  // of the captures; null data: took no part
};

// Calls on_found(Found) for one match after the other, as Raku's comb finds them; it returns where to go on. False: no
// match. kExhausted: too many.
template <class OnFound>
Result<bool> ForEachMatch(const RE2& program, std::string_view text, OnFound on_found) {
  const int groups = program.NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(groups));
  uint64_t scanned = 0;
  bool any = false;
  for (size_t at = 0; at <= text.size();) {
    scanned += text.size() - at;
    if (scanned > kMaxScannedBytes) return Fail(ErrorCode::kExhausted, "too many matches in one long line");
    if (!program.Match(Piece(text), at, text.size(), RE2::UNANCHORED, pieces.data(), groups)) break;
    any = true;
    Found found{.begin = static_cast<size_t>(pieces[0].data() - text.data()), .end = 0, .groups = {}};
    found.end = found.begin + pieces[0].size();
    found.groups.assign(pieces.begin() + 1, pieces.end());
    at = on_found(found);
  }
  return any;
}

// Where to look for the next match: one that took nothing is not found twice.
size_t After(std::string_view text, size_t begin, size_t end) {
  return begin < end ? end : end + std::max<size_t>(Utf8SequenceLength(text.substr(end)), 1);
}

}  // namespace

Regex::Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::Compile(std::string_view pattern) {
  CROMT_ASSIGN(ParsedRegex parsed, ParseRegex(pattern));
  CROMT_ASSIGN(WrittenRegex written, WriteRegex(parsed.root));
  Regex regex;
  regex.text_ = parsed.text;
  CROMT_ASSIGN(regex.plain_, CompileProgram(written.plain));
  CROMT_ASSIGN(regex.marked_, CompileProgram(written.marked));
  regex.assertions_ = written.assertions;
  regex.rounds_ = written.rounds;
  regex.captures_ = std::move(written.captures);
  for (int capture : regex.captures_)
    regex.capture_count_ = std::max<size_t>(regex.capture_count_, static_cast<size_t>(capture) + 1);
  return regex;
}

Result<bool> Regex::NeedsMarks(std::string_view line) const {
  const bool needs_marks = plain_ == nullptr || (marked_ != nullptr && HoldsLineEnd(line));
  if (needs_marks && line.size() * static_cast<size_t>(rounds_) > kMaxMarkedBytes)
    return Fail(ErrorCode::kExhausted, "a line too long for a regex with boundaries of words or lines");
  return needs_marks;
}

Result<bool> Regex::Matches(std::string_view line) const {
  CROMT_ASSIGN(const bool needs_marks, NeedsMarks(line));
  if (!needs_marks) return RE2::PartialMatch(Piece(line), *plain_);
  const MarkedText marked(line, assertions_, rounds_);
  return RE2::PartialMatch(Piece(marked.text()), *marked_);
}

Result<bool> Regex::Collect(std::string_view line, std::vector<std::string_view>& captured) const {
  if (captures_.empty()) return Matches(line);
  CROMT_ASSIGN(const bool needs_marks, NeedsMarks(line));
  const MarkedText marked(needs_marks ? line : "", needs_marks ? assertions_ : 0, rounds_);
  const std::string_view text = needs_marks ? marked.text() : line;
  const auto original = [&](const char* place) {
    const auto at = static_cast<size_t>(place - text.data());
    return needs_marks ? marked.Original(at) : at;
  };
  return ForEachMatch(needs_marks ? *marked_ : *plain_, text, [&](const Found& found) {
    std::vector<std::string_view> parts(capture_count_);
    size_t count = 0;
    for (size_t group = 0; group < captures_.size(); ++group) {
      const re2::StringPiece& piece = found.groups[group];
      if (piece.data() == nullptr) continue;
      const size_t begin = original(piece.data()), number = static_cast<size_t>(captures_[group]);
      parts[number] = line.substr(begin, original(piece.data() + piece.size()) - begin);
      count = std::max(count, number + 1);
    }
    captured.insert(captured.end(), parts.begin(), parts.begin() + static_cast<ptrdiff_t>(count));
    const size_t next = After(line, original(text.data() + found.begin), original(text.data() + found.end));
    return !needs_marks ? next : next > line.size() ? text.size() + 1 : marked.Marked(next);
  });
}

}  // namespace cromt::step
