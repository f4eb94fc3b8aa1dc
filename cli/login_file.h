// What `cromt login` keeps: where a mesh's coordinator is, whom to believe there, and the token to show. One login a
// coordinator in $XDG_CONFIG_HOME/cromt/logins (else ~/.config/cromt/logins), files of mode 0600; and which was the
// last.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/world.h"

namespace cromt::cli {

struct Login {
  std::string coordinator;  // HOST:PORT
  std::string mesh;
  std::string authorities;  // PEM
  std::string token;
};

// That of this coordinator, nothing if there is none. kDenied: others can read the file.
Result<std::optional<Login>> ReadLogin(const World& world, const std::string& coordinator);
// The last one that was written.
Result<std::optional<Login>> LastLogin(const World& world);
Status WriteLogin(const World& world, const Login& login);
// In the place of one that is there; which was the last stays.
Status RewriteLogin(const World& world, const Login& login);
// kNotFound if there is none.
Status RemoveLogin(const World& world, const std::string& coordinator);

}  // namespace cromt::cli
