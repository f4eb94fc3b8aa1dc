// task.check, and the text that it is applied to: an input is the rules, a line "===", and the text. Whatever they are:
// the rules are read, or refused with a sentence that can be shown; what is read is applied within its bounds, and what
// code blocks are given is text. Code prints itself, so generators generate.
#include "agent/step/check/check_file.h"
#include "agent/step/check/checker.h"
#include "base/name.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

class EchoHost final : public step::CheckHost {
 public:
  Result<std::string> RunCode(const step::CodeBlock& block, const step::CheckState& state) override {
    // Each may be quadratic in what a rule can capture: a few of them say all.
    if (++runs_ > 16) return Fail(ErrorCode::kExhausted, "enough code for one input");
    for (const std::string& text : {state.MatchedText(), state.CapturesJson(), state.CaptureJson(), state.StreamsJson(),
                                    state.StreamsArrayJson()})
      Require(IsUtf8(text), "what code is given is text", text);
    for (const step::Hit& hit : state.hits) {
      const std::string_view line = state.context->text().Line(hit.line.index);
      for (std::string_view part : hit.captured)
        Require(part.empty() || line.find(part) != line.npos, "what was captured of a line is in it", part);
    }
    return block.code;
  }
  Result<std::string> ReadSource(const std::string& path) override { return path; }

 private:
  int runs_ = 0;
};

void CheckReport(const step::Checker& checker) {
  bool holds = true;
  for (const step::ReportLine& line : checker.report()) holds &= line.holds || line.is_soft;
  Require(holds == checker.passed(), "a check passes when all of its rules hold");
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  const std::string_view input = Text(data, size);
  constexpr std::string_view kCut = "\n===\n";
  const size_t cut = std::min(input.find(kCut), input.size());
  auto file = cromt::step::ParseCheck("f", input.substr(0, cut));
  if (!file) {
    RequireRefusal(file.error());
    return 0;
  }
  EchoHost host;
  auto checker = cromt::step::Checker::Of(std::string(input.substr(std::min(cut + kCut.size(), size))), host);
  if (!checker) return 0;
  auto applied = checker->Apply(*file);
  if (!applied) RequireRefusal(applied.error());
  CheckReport(*checker);
  return 0;
}
