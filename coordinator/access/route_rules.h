// Which role each route of the coordinator's HTTP side needs, as call_rules.h says it of its calls. What is not listed
// here is refused to everybody. Pure.
#pragma once

#include <span>
#include <string_view>

#include "coordinator/access/call_rules.h"

namespace cromt {

struct RouteRule {
  std::string_view method;
  std::string_view pattern;  // as of http::Route
  CallScope scope;
  Role least;
};

std::span<const RouteRule> RouteRules();
// Null for a route that has none.
const RouteRule* RuleOf(std::string_view method, std::string_view pattern);

}  // namespace cromt
