#include "agent/step/scenario/calls.h"

namespace cromt::step {

std::vector<CallSite> ListCalls(const Scenario& scenario) {
  std::vector<CallSite> sites;
  for (const Call& call : scenario.calls) {
    if (call.function == "say") continue;
    CallSite site{.at = call.at, .function = call.function};
    if (const auto* text = std::get_if<StringLiteral>(&call.arguments[0].form)) site.task_path = text->text;
    sites.push_back(std::move(site));
  }
  return sites;
}

}  // namespace cromt::step
