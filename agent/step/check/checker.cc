#include "agent/step/check/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/step/check/check_file.h"
#include "agent/step/check/context_lines.h"
#include "agent/step/check/regex.h"

namespace cromt::step {
namespace {

std::string_view LetterOf(SearchContext::Kind kind) {
  switch (kind) {
    case SearchContext::Kind::kAllLines: return "";
    case SearchContext::Kind::kSequence: return "(s) ";
    case SearchContext::Kind::kRange: return "(r) ";
    case SearchContext::Kind::kWithin: return "(w) ";
  }
  return "";
}

tl::unexpected<Error> Exhausted(std::string_view what, size_t limit) {
  return Fail(ErrorCode::kExhausted, fmt::format("{}, {} at most", what, limit));
}

}  // namespace

Result<Checker> Checker::Of(std::string stdout_text, CheckHost& host) {
  Checker checker(host);
  CROMT_ASSIGN(checker.text_, CheckedText::From(std::move(stdout_text)));
  checker.context_ = AllLines(checker.text_, SearchContext::Kind::kAllLines);
  return checker;
}

Status Checker::Apply(const CheckFile& file) {
  for (const Rule& rule : file.rules) {
    if (++applied_ > kMaxRulesApplied) return Exhausted("too many rules", kMaxRulesApplied);
    Status applied = std::visit([this](const auto& form) { return ApplyForm(form); }, rule.form);
    if (!applied) return Fail(fmt::format("{}:{}", file.name, rule.line), std::move(applied).error());
  }
  return {};
}

// ---- Rules that look for lines --------------------------------------------------------------------

Status Checker::ApplyForm(const TextRule& rule) {
  return ShowLinesWhere(rule.text, [&](const ContextLine& line) {
    return text_->Line(line.index).find(rule.text) != std::string_view::npos;
  });
}

Status Checker::ApplyForm(const AnyLineRule&) {
  return ShowLinesWhere(":any:", [](const ContextLine&) { return true; });
}

Status Checker::ApplyForm(const LineNumberRule& rule) {
  return ShowLinesWhere(rule.text, [&](const ContextLine& line) { return line.index == rule.index; });
}

Status Checker::ApplyForm(const RegexRule& rule) {
  CROMT_ASSIGN(Search search, LinesMatching(rule));
  return Conclude((rule.negated ? "!" : "") + rule.pattern, std::move(search));
}

template <class Holds>
Status Checker::ShowLinesWhere(std::string_view pattern, Holds holds) {
  Search search;
  for (const ContextLine& line : context_->lines())
    if (holds(line)) search.hits.push_back({.line = line, .captured = {}});
  search.holds = !search.hits.empty();
  return Conclude(pattern, std::move(search));
}

Result<Checker::Search> Checker::LinesMatching(const RegexRule& rule) const {
  CROMT_ASSIGN(const Regex regex, Regex::Compile(rule.pattern));
  Search search{.hits = {}, .holds = false, .negated = rule.negated, .soft = rule.soft};
  std::set<int64_t> matched_streams;
  size_t captured = 0;
  for (const ContextLine& line : context_->lines()) {
    Hit hit{.line = line, .captured = {}};
    CROMT_ASSIGN(const bool matches, regex.Collect(VisiblePart(line), hit.captured));
    captured += hit.captured.size();
    if (captured > kMaxCaptured) return Exhausted("too many captures", kMaxCaptured);
    if (matches) matched_streams.insert(line.stream);
    if (matches && rule.negated) continue;
    if (matches || rule.negated) search.hits.push_back(std::move(hit));
  }
  search.holds = rule.negated ? !context_->FailsWhenMatchedIn(matched_streams.size()) : !search.hits.empty();
  return search;
}

// Inside of within: what the rule before captured of a line is all that a regex sees of it.
std::string_view Checker::VisiblePart(const ContextLine& line) const {
  const std::string_view whole = text_->Line(line.index);
  if (context_->kind() != SearchContext::Kind::kWithin || context_->just_started()) return whole;
  const auto before = [](const Hit& hit, uint32_t index) { return hit.line.index < index; };
  const auto hit = std::lower_bound(state_.hits.begin(), state_.hits.end(), line.index, before);
  const bool captured = hit != state_.hits.end() && hit->line.index == line.index && !hit->captured.empty();
  return captured ? hit->captured.front() : whole;
}

Status Checker::Conclude(std::string_view pattern, Search search) {
  collected_ += search.hits.size();
  if (context_->kind() != SearchContext::Kind::kAllLines && collected_ > kMaxCaptured)
    return Exhausted("too many lines in streams", kMaxCaptured);
  if (!search.holds) context_->Fail();
  if (!search.hits.empty()) context_->Narrow(search.hits);
  if (search.negated) search.hits.clear();
  state_ = {.hits = std::move(search.hits), .context = context_};
  const std::string_view status = search.holds ? "True" : "False";
  return AddLine({.text = fmt::format("stdout match {}<{}> {}", LetterOf(context_->kind()), pattern, status),
                  .holds = search.holds,
                  .is_soft = search.soft});
}

// ---- Contexts -------------------------------------------------------------------------------------

Status Checker::Enter(Result<std::shared_ptr<SearchContext>> context) {
  if (context_->kind() != SearchContext::Kind::kAllLines)
    return Fail(ErrorCode::kInvalid, "begin:, between: or within: inside of another of them, which ends with 'end:'");
  CROMT_ASSIGN(context_, std::move(context));
  collected_ = 0;
  return {};
}

Status Checker::ApplyForm(const SequenceRule&) {
  return Enter(AllLines(text_, SearchContext::Kind::kSequence));
}

Status Checker::ApplyForm(const RangeRule& rule) {
  return Enter(LinesBetween(text_, rule));
}

Status Checker::ApplyForm(const WithinRule& rule) {
  CROMT_TRY(Enter(LinesWithin(text_, rule)));
  const auto* pattern = std::get_if<std::string>(&rule.where);
  return pattern == nullptr ? Status() : ApplyForm(RegexRule{.pattern = *pattern});
}

Status Checker::ApplyForm(const EndRule&) {
  context_ = AllLines(text_, SearchContext::Kind::kAllLines);
  return {};
}

Status Checker::ApplyForm(const SourceRule& rule) {
  CROMT_ASSIGN(std::string text, host_.ReadSource(rule.path));
  CROMT_ASSIGN(text_, CheckedText::From(std::move(text)));
  return ApplyForm(EndRule{});
}

// ---- Notes, assertions and code -------------------------------------------------------------------

Status Checker::ApplyForm(const NoteRule& rule) {
  return AddLine({.text = rule.text});
}

Status Checker::ApplyForm(const AssertRule& rule) {
  return AddLine({.text = fmt::format("<{}> {}", rule.text, rule.holds ? "True" : "False"), .holds = rule.holds});
}

Status Checker::ApplyForm(const CodeRule& rule) {
  CROMT_ASSIGN(const std::string printed, host_.RunCode(rule.block, state_));
  return AddNotes(printed);
}

Status Checker::ApplyForm(const GeneratorRule& rule) {
  if (depth_ == kMaxGeneratorDepth) return Exhausted("generators of generators", kMaxGeneratorDepth);
  CROMT_ASSIGN(const std::string printed, host_.RunCode(rule.block, state_));
  CROMT_ASSIGN(const CheckFile generated, ParseCheck("generated", printed, CheckStart::kAnywhere));
  ++depth_;
  Status applied = Apply(generated);
  --depth_;
  return applied;
}

// ---- The report -----------------------------------------------------------------------------------

Status Checker::AddNotes(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    CROMT_TRY(AddLine({.text = std::string(text.substr(0, end))}));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Status Checker::AddLine(ReportLine line) {
  if (report_.size() == kMaxReportLines) return Exhausted("too many lines in the report of a check", kMaxReportLines);
  passed_ &= line.holds || line.is_soft;
  report_.push_back(std::move(line));
  return {};
}

}  // namespace cromt::step
