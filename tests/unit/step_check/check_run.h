// A check and the text it is applied to, in a test: what was reported, and a world of prepared answers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/step/check/check_file.h"
#include "agent/step/check/checker.h"

namespace cromt::step {

// Answers by the code of a block, without its language's line; an unknown one fails. Keeps what it was shown of the
// state.
class FakeCheckHost final : public CheckHost {
 public:
  Result<std::string> RunCode(const CodeBlock& block, const CheckState& state) override {
    matched = state.MatchedText();
    captures = state.CapturesJson();
    capture = state.CaptureJson();
    streams = state.StreamsJson();
    streams_array = state.StreamsArrayJson();
    auto answer = printed.find(block.code);
    if (answer == printed.end()) return Fail(ErrorCode::kInvalid, "exit status: 3");
    return answer->second;
  }
  Result<std::string> ReadSource(const std::string& path) override {
    auto file = files.find(path);
    if (file == files.end()) return Fail(ErrorCode::kNotFound, path + ": No such file or directory");
    return file->second;
  }

  std::map<std::string, std::string> printed = {{"state", ""}};
  std::map<std::string, std::string> files;
  std::string matched, captures, capture, streams, streams_array;
};

struct CheckRun {
  explicit CheckRun(std::string_view rules, std::string text, FakeCheckHost the_host = {}) : host(std::move(the_host)) {
    auto file = ParseCheck("task.check", rules);
    auto checker = Checker::Of(std::move(text), host);
    Status applied = !file      ? Status(tl::unexpected(file.error()))
                     : !checker ? Status(tl::unexpected(checker.error()))
                                : checker->Apply(*file);
    if (!applied) error = applied.error().message;
    if (!checker) return;
    passed = checker->passed();
    for (const ReportLine& line : checker->report()) {
      report += (report.empty() ? "" : "\n") + line.text + (line.is_soft ? " (soft)" : "");
      ++lines;
    }
  }

  FakeCheckHost host;
  std::string report;  // one line a rule
  size_t lines = 0;
  std::string error;
  bool passed = false;
};

}  // namespace cromt::step
