#include "agent/doctor/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cromt::doctor {
namespace {

const char* Word(Finding::State state) {
  switch (state) {
    case Finding::State::kOk: return "ok";
    case Finding::State::kWarning: return "warning";
    case Finding::State::kProblem: return "problem";
  }
  return "";
}

}  // namespace

bool HasProblem(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& one) { return one.state == Finding::State::kProblem; });
}

std::string ToText(const Findings& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += fmt::format("{:<8} {:<16} {}\n", Word(one.state), one.check, one.says);
    if (!one.remedy.empty()) text += fmt::format("{:<25} -> {}\n", "", one.remedy);
  }
  return text;
}

std::string ToJson(const Findings& findings) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const Finding& one : findings)
    checks.push_back({{"check", one.check}, {"state", Word(one.state)}, {"says", one.says}, {"remedy", one.remedy}});
  const nlohmann::ordered_json all = {{"ok", !HasProblem(findings)}, {"checks", std::move(checks)}};
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cromt::doctor
