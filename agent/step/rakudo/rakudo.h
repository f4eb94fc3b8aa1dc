// Runs what cromt doesn't read itself under rakudo: scenarios, with Sparrow's functions from a small module of ours,
// each call of which comes back as a request that the host does as for a scenario of our own; and configurations, whose
// value comes back the same way. Not thread-safe.
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

  // The value of a configuration, which is an expression that gives a map. kInvalid for any other value, and where it
  // fails, which it has said itself.
  Result<Map> Evaluate(const std::string& config, ScenarioHost& host);

 private:
  class Requests;
  Result<ChildStatus> RunWith(Requests& requests, std::vector<std::string> program);

  ChildRunner& children_;
  Output& output_;
  Scratch& scratch_;
};

// Whether PATH has this program.
bool IsInPath(const std::string& program);

}  // namespace cromt::step
