// Runs a scenario that cromt doesn't read itself under rakudo, with Sparrow's functions from a small module of ours:
// each call comes back as a request, which the host does as for a scenario of our own. Not thread-safe.
#pragma once

#include <string>

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "agent/step/scenario/host.h"
#include "agent/step/scratch.h"
#include "base/result.h"

namespace cromt::step {

class Rakudo {
 public:
  // All three outlive it.
  Rakudo(ChildRunner& children, Output& output, Scratch& scratch)
      : children_(children), output_(output), scratch_(scratch) {}

  // `scenario` is its absolute path. Its exit code; 128+N when a signal ended it. kNotFound: there is no rakudo.
  Result<int> Run(const std::string& scenario, ScenarioHost& host);

 private:
  ChildRunner& children_;
  Output& output_;
  Scratch& scratch_;
};

// Whether PATH has this program.
bool IsInPath(const std::string& program);

}  // namespace cromt::step
