#include "coordinator/access/principal.h"

#include <array>

#include "base/name.h"

namespace cromt {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"none", "viewer", "operator", "admin"};

}  // namespace

std::string_view ToString(Role role) {
  return kWords[static_cast<size_t>(role)];
}

std::optional<Role> RoleFrom(std::string_view word) {
  for (size_t i = 1; i < kWords.size(); ++i)
    if (kWords[i] == word) return static_cast<Role>(i);
  return std::nullopt;
}

Result<std::string> AuthorOf(const Principal& principal, const std::string& said) {
  if (!principal.local) return principal.name;
  if (!said.empty() && !IsTitle(said)) return Fail(ErrorCode::kInvalid, "author: not a name that can be shown");
  return said;
}

Status HasRole(const Principal& principal, Role least) {
  if (principal.role >= least) return {};
  return Fail(ErrorCode::kDenied, principal.name + " has the role " + std::string(ToString(principal.role)) +
                                      ", and this needs " + std::string(ToString(least)));
}

Status HasRoleIn(const Principal& principal, Role least, std::string_view project) {
  CROMT_TRY(HasRole(principal, least));
  if (principal.MaySee(project)) return {};
  return Fail(ErrorCode::kDenied, principal.name + " has no role in project " + Quote(project));
}

Status HasRoleInAll(const Principal& principal, Role least) {
  CROMT_TRY(HasRole(principal, least));
  if (principal.all_projects) return {};
  return Fail(ErrorCode::kDenied, principal.name + " has a role in some projects only, and this concerns all");
}

}  // namespace cromt
