// Which role each call of the coordinator needs. What is not listed here is refused to everybody. Pure.
#pragma once

#include <span>
#include <string_view>

#include "coordinator/access/principal.h"

namespace cromt {

enum class CallScope {
  kOpen,     // nobody is asked who he is here: the call proves itself by what it carries
  kMember,   // anybody who is known, an agent too
  kMesh,     // concerns the whole mesh
  kProject,  // concerns one project, which is checked as soon as it is known
  kList,     // lists what the caller may see
};

struct CallRule {
  std::string_view method;  // "Service/Method", without the package
  CallScope scope;
  Role least;
};

std::span<const CallRule> CallRules();
// Null for a call that has none.
const CallRule* RuleOf(std::string_view method);

}  // namespace cromt
