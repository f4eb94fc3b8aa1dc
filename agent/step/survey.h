// Looks over a repository of actions without running anything of it: which of its scenarios cromt reads itself, which
// need rakudo, and what of it can't be run.
#pragma once

#include <string>
#include <vector>

#include "agent/step/repository.h"
#include "base/result.h"
#include "core/diagnostic.h"

namespace cromt::step {

inline constexpr size_t kMaxSurveyed = 10'000;  // files and folders below each of .tom, tasks and plugins

enum class Interpreter { kCromt, kRakudo, kNone };

struct SurveyedScenario {
  std::string path;  // ".tom/hello.raku"
  Interpreter interpreter = Interpreter::kCromt;
};

struct Survey {
  std::vector<SurveyedScenario> scenarios;  // by path
  size_t tasks = 0;                         // directories that can be run
  // By file, relative to the repository. A note: rakudo is needed, for this. An error: can't be run.
  std::vector<Diagnostic> diagnostics;
};

// kExhausted above kMaxSurveyed; else what Repository says of a folder that can't be read.
Result<Survey> SurveyRepository(const Repository& repository);

}  // namespace cromt::step
