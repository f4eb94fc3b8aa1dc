// Who the coordinator is to an http(s) server: user and password, by URL prefix, from files that its configuration
// names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/git/url.h"

namespace cromt {

struct GitLogin {
  std::string user;
  std::string password;
  std::string prefix;  // the rule that it is from, for messages
};

// URL prefix → file that holds "USER:PASSWORD" in its only line.
using GitLoginFiles = std::vector<std::pair<std::string, std::string>>;

// A prefix is http(s)://HOST[:PORT][/PATH]: kInvalid for all else.
Status CheckLoginPrefix(std::string_view prefix);

// The login of the longest prefix that `url` is under; nullopt if there is none. A prefix ends where a part of the URL
// ends: https://host/team is neither https://host.evil/team nor https://host/teams.
// The file is read at each call, so that a new password needs no restart. Errors name the file, never what it holds.
Result<std::optional<GitLogin>> FindLogin(const GitUrl& url, const GitLoginFiles& files);

}  // namespace cromt
