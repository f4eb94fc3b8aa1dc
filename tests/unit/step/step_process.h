// Runs the real cromt-step as the launcher does: descriptor 3 is a pipe on which it writes records.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/step/marks.h"
#include "base/unique_fd.h"
#include "io/seglog/frame.h"

namespace cromt::step {

struct StepResult {
  int code = -1;         // as a shell shows it
  std::string out, err;  // bytes of the job
  std::string notes;
  std::vector<Mark> marks;
  std::string text;  // of one run by hand: all that it printed
};

using Variables = std::map<std::string, std::string>;

class StepProcess {
 public:
  // Starts it with PATH, TMPDIR and `variables` as its environment. `records` false: descriptor 3 is closed.
  StepProcess(const std::string& root, const std::vector<std::string>& actions, const Variables& variables = {},
              bool records = true);
  int pid() const { return pid_; }

  // Reads records until `condition` holds of what came so far; false when they end before.
  bool ReadUntil(const std::function<bool(const StepResult&)>& condition);

  // Reads to the end of the records (or text) and reaps.
  StepResult Wait();

 private:
  bool ReadMore();

  int pid_ = -1;
  bool records_;
  UniqueFd pipe_;
  std::string unread_;
  StepResult result_;
};

inline StepResult RunSteps(const std::string& root, const std::vector<std::string>& actions,
                           const Variables& variables = {}) {
  return StepProcess(root, actions, variables).Wait();
}

}  // namespace cromt::step
