// Who calls the coordinator, and what he may do there. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

// Each may what those before it may.
enum class Role {
  kNone,      // is known, and has nothing to say here: an agent
  kViewer,    // sees runs, output, artifacts
  kOperator,  // starts, cancels, runs again
  kAdmin,     // applies job files, invites agents, manages users
};
std::string_view ToString(Role role);
std::optional<Role> RoleFrom(std::string_view word);

// Somebody who has shown who he is; or in local mode whoever got through to us, who may do everything.
struct Principal {
  std::string name;  // empty in local mode: a call says itself in whose name it comes
  Role role = Role::kNone;
  bool all_projects = false;
  std::set<std::string, std::less<>> projects;  // where the role counts, if not in all; whole names
  bool local = false;

  bool MaySee(std::string_view project) const { return all_projects || projects.contains(project); }
};

// In whose name he makes a call: his own; or in local mode whose he says it is, "" = nobody's. kInvalid for what can't
// be shown to people.
Result<std::string> AuthorOf(const Principal& principal, const std::string& said);

// kDenied says what is missing: the role at all; the role in this project; the role in all of them.
Status HasRole(const Principal& principal, Role least);
Status HasRoleIn(const Principal& principal, Role least, std::string_view project);
Status HasRoleInAll(const Principal& principal, Role least);

}  // namespace cromt
