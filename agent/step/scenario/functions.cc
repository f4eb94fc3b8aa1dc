#include "agent/step/scenario/functions.h"

#include <fmt/format.h>

namespace cromt::step {
namespace {

std::string Names(Takes takes) {
  std::string names;
  for (auto [flag, name] : {std::pair{kText, "text"}, {kList, "a list"}, {kMap, "a map"}})
    if (takes & flag) names += (names.empty() ? "" : " or ") + std::string(name);
  return names;
}

}  // namespace

std::optional<Misfit> FindMisfit(const DslFunction& function, const std::vector<Takes>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if ((function.takes[i] & arguments[i]) != 0) continue;
    return Misfit{i, fmt::format("argument {} of {} has to be {}", i + 1, function.name, Names(function.takes[i]))};
  }
  // task-run PATH; PATH, MAP; TEXT, PLUGIN; TEXT, PLUGIN, MAP; MAP. http-ok and ssh end with a map as well.
  for (size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == kMap) return Misfit{i, fmt::format("{} takes nothing after a map", function.name)};
  return {};
}

}  // namespace cromt::step
