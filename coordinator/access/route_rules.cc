#include "coordinator/access/route_rules.h"

#include <algorithm>
#include <array>

namespace cromt {
namespace {

using enum CallScope;

// Open on purpose: who looks after the coordinator has no credential, and says nothing; a hook is signed.
constexpr auto kRules = std::to_array<RouteRule>({
    {"GET", "/healthz", kOpen, Role::kNone},
    {"GET", "/readyz", kOpen, Role::kNone},
    {"POST", "/hooks/{project}", kOpen, Role::kNone},
});

}  // namespace

std::span<const RouteRule> RouteRules() {
  return kRules;
}

const RouteRule* RuleOf(std::string_view method, std::string_view pattern) {
  auto rule = std::find_if(kRules.begin(), kRules.end(),
                           [&](const RouteRule& one) { return one.method == method && one.pattern == pattern; });
  return rule == kRules.end() ? nullptr : &*rule;
}

}  // namespace cromt
