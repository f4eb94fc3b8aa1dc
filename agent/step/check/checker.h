// Applies the rules of a task.check to the lines that a task printed, and says for each whether it holds. All rules are
// applied; that one doesn't hold stops nothing.
//
// Pure: what needs processes and files goes through CheckHost. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/step/check/check_state.h"
#include "agent/step/check/checked_text.h"
#include "agent/step/check/rule.h"
#include "base/result.h"

namespace cromt::step {

class CheckHost {
 public:
  virtual ~CheckHost() = default;
  // Runs a code block to its end; `state` is what it may ask for. Returns what it printed to stdout, or why it failed.
  virtual Result<std::string> RunCode(const CodeBlock& block, const CheckState& state) = 0;
  // The text of the file that `source:` names. Sparrow shows "|> source changed to [PATH]" and its lines.
  virtual Result<std::string> ReadSource(const std::string& path) = 0;
};

inline constexpr int kMaxGeneratorDepth = 16;        // generators of generators
inline constexpr size_t kMaxRulesApplied = 100'000;  // of a file and all that was generated
inline constexpr size_t kMaxReportLines = 100'000;
inline constexpr size_t kMaxCaptured = 4'000'000;  // captures of one rule, and lines in streams

struct ReportLine {
  std::string text;      // "stdout match <ok> True", or a note
  bool holds = true;     // of a rule; notes always do
  bool is_soft = false;  // Sparrow doesn't show it, and it doesn't count
};

class Checker {
 public:
  // `host` outlives it. kExhausted: the text is too large.
  static Result<Checker> Of(std::string stdout_text, CheckHost& host);

  // kInvalid: a generator printed a rule that can't be read. kExhausted: a bound. Else what the host said. All with
  // "FILE:LINE: " before. The report holds what came of the rules before.
  Status Apply(const CheckFile& file);

  const std::vector<ReportLine>& report() const { return report_; }
  bool passed() const { return passed_; }  // every rule held

 private:
  explicit Checker(CheckHost& host) : host_(host) {}

  Status ApplyForm(const TextRule& rule);
  Status ApplyForm(const AnyLineRule& rule);
  Status ApplyForm(const LineNumberRule& rule);
  Status ApplyForm(const RegexRule& rule);
  Status ApplyForm(const SequenceRule& rule);
  Status ApplyForm(const RangeRule& rule);
  Status ApplyForm(const WithinRule& rule);
  Status ApplyForm(const EndRule& rule);
  Status ApplyForm(const SourceRule& rule);
  Status ApplyForm(const NoteRule& rule);
  Status ApplyForm(const AssertRule& rule);
  Status ApplyForm(const CodeRule& rule);
  Status ApplyForm(const GeneratorRule& rule);

  // What came of a rule that looks for lines.
  struct Search {
    std::vector<Hit> hits;  // of a negated rule: the lines that don't match
    bool holds = false;
    bool negated = false;
    bool soft = false;
  };
  template <class Holds>
  Status ShowLinesWhere(std::string_view pattern, Holds holds);
  Result<Search> LinesMatching(const RegexRule& rule) const;
  std::string_view VisiblePart(const ContextLine& line) const;
  Status Conclude(std::string_view pattern, Search search);
  Status Enter(Result<std::shared_ptr<SearchContext>> context);

  Status AddNotes(std::string_view text);
  Status AddLine(ReportLine line);

  CheckHost& host_;
  std::shared_ptr<const CheckedText> text_;
  std::shared_ptr<SearchContext> context_;
  CheckState state_;
  std::vector<ReportLine> report_;
  bool passed_ = true;
  size_t applied_ = 0;    // rules
  size_t collected_ = 0;  // lines in the streams of context_, at most
  int depth_ = 0;         // of generators
};

}  // namespace cromt::step
