// What the `path` of a project means: a repository to clone, or a directory of the agent's own host.
// Pure text: nothing is looked up.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

// `git@host:x`, ssh://, https://, http://, git://, file:// and *.git are repositories; anything else is a directory.
// kInvalid for what could mislead git or a shell (a leading '-', also of the host part; control characters; a
// transport such as `ext::`), for an unknown scheme, and for a URL without host.
Result<Source> ParseSourcePath(std::string_view text);

// True if `text` may name a branch, tag or commit.
bool IsRef(std::string_view text);

// A repository's URL without the user of http(s), which may be a token.
std::string WithoutUser(std::string_view url);

// True if `text` is a repository URL that carries a password or token for everyone to read.
bool HasCredentials(std::string_view text);

}  // namespace cromt
