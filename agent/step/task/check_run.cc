#include "agent/step/task/check_run.h"

#include <algorithm>

#include "agent/step/check/checker.h"

namespace cromt::step {
namespace {

Language LanguageOf(CodeLanguage language) {
  switch (language) {
    case CodeLanguage::kBash: return Language::kBash;
    case CodeLanguage::kPerl: return Language::kPerl;
    case CodeLanguage::kPhp: return Language::kPhp;
    case CodeLanguage::kPython: return Language::kPython;
    case CodeLanguage::kRaku: return Language::kRaku;
    case CodeLanguage::kRuby: break;
  }
  return Language::kRuby;
}

class Host final : public CheckHost {
 public:
  explicit Host(const CheckServices& services) : services_(services) {}
  Result<std::string> RunCode(const CodeBlock& block, const CheckState& state) override {
    return services_.run_code(LanguageOf(block.language), block.code, state);
  }
  Result<std::string> ReadSource(const std::string& path) override { return services_.read_source(path); }

 private:
  const CheckServices& services_;
};

}  // namespace

Result<size_t> RunCheck(const CheckFile& file, std::string stdout_text, const CheckServices& services, Output& output) {
  Host host(services);
  CROMT_ASSIGN(Checker checker, Checker::Of(std::move(stdout_text), host));
  const Status applied = checker.Apply(file);
  const auto& report = checker.report();
  if (!report.empty()) output.Put(SectionBegan{"task check"});
  for (const ReportLine& line : report)
    if (!line.is_soft) output.Put(OwnLine{line.text});
  CROMT_TRY(applied);
  return static_cast<size_t>(
      std::ranges::count_if(report, [](const ReportLine& line) { return !line.holds && !line.is_soft; }));
}

}  // namespace cromt::step
