// What may be cloned: Git URLs and refs from outside are taken apart and judged here, before anything else
// sees them. What is not plainly good is refused; nothing is ever handed to a shell or a `git` program.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cromt {

enum class GitTransport { kHttp, kHttps, kGit, kSsh, kFile };

struct GitUrl {
  GitTransport transport = GitTransport::kHttps;
  std::string text;         // for the library; may hold credentials: never log it
  std::string identity;     // without user and password: names the repository
  std::string shown;        // for people: as text, a user or password masked
  std::string credentials;  // USER or USER:PASSWORD of http(s), as written; empty if there are none
};

// Accepts http(s)://[USER[:PASSWORD]@]HOST[:PORT]/PATH, git://HOST[:PORT]/PATH, ssh://[USER@]HOST[:PORT]/PATH,
// [USER@]HOST:PATH, file:///PATH and an absolute path (as file://). kInvalid or kDenied for all else: transport
// helpers (ext::, fd::), other schemes, an empty host, control characters, blanks, backslashes, a '-' where a
// program could take it for an option, ".." in the path (also as %2e), a query or a fragment.
// The message never shows credentials.
Result<GitUrl> ParseGitUrl(std::string_view text);

// Prefix → replacement; the longest prefix that fits wins; applied once.
using GitRewrites = std::vector<std::pair<std::string, std::string>>;
std::string Rewrite(std::string_view url, const GitRewrites& rules);

// Empty, "HEAD", a branch, a tag, "refs/…" in full, or a commit of 40 hex digits. kInvalid for what Git would
// not take as a name of a branch, and for revision syntax (^ ~ : @{ ..): a ref is a name, not an expression.
Status CheckGitRef(std::string_view ref);

// True for 40 lower-case hex digits.
bool IsCommit(std::string_view ref);

}  // namespace cromt
