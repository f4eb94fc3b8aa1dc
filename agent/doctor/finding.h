// What the doctor has found out about one thing of a host, in words for whoever has to put it right.
#pragma once

#include <string>
#include <vector>

namespace cromt::doctor {

struct Finding {
  enum class State { kOk, kWarning, kProblem };
  std::string check;  // what was looked at, in a word or two
  State state = State::kOk;
  std::string says;
  std::string remedy;  // what to do; empty if nothing has to be done
};

using Findings = std::vector<Finding>;

inline Finding Ok(std::string check, std::string says) {
  return {std::move(check), Finding::State::kOk, std::move(says), ""};
}
// Some jobs won't run, or will run less well.
inline Finding Warning(std::string check, std::string says, std::string remedy) {
  return {std::move(check), Finding::State::kWarning, std::move(says), std::move(remedy)};
}
// The agent does not work, or not as it is configured.
inline Finding Problem(std::string check, std::string says, std::string remedy) {
  return {std::move(check), Finding::State::kProblem, std::move(says), std::move(remedy)};
}

bool HasProblem(const Findings& findings);
// A line a finding, and below it what to do.
std::string ToText(const Findings& findings);
// {"ok": …, "checks": [{"check", "state", "says", "remedy"}]}
std::string ToJson(const Findings& findings);

}  // namespace cromt::doctor
