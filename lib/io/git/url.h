// What may be cloned: Git URLs and refs from outside are taken apart and judged here, before anything else
// sees them. What is not plainly good is refused; nothing is ever handed to a shell or a `git` program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cromt {

enum class GitTransport { kHttp, kHttps, kGit, kSsh, kFile };

struct GitUrl {
  GitTransport transport = GitTransport::kHttps;
  std::string text;      // for the library; a user of http(s) is left out
  std::string identity;  // without a user: names the repository
  std::string shown;     // for people: as written, a user of http(s) masked, since it may be a token
  std::string host;      // as written, without the brackets of an IPv6 address; empty for files
  uint16_t port = 0;     // what is meant where none is written, too; 0 for files
  std::string path;      // as written
};

// Accepts http(s)://[USER@]HOST[:PORT]/PATH, git://HOST[:PORT]/PATH, ssh://[USER@]HOST[:PORT]/PATH,
// [USER@]HOST:PATH, file:///PATH and an absolute path (as file://). kInvalid or kDenied for all else: transport
// helpers (ext::, fd::), other schemes, an empty host, control characters, blanks, backslashes, a '-' where a
// program could take it for an option, ".." in the path (also as %2e), a query or a fragment, quotes in what an ssh
// server's shell will read. A password is refused: who sees the job file would see it (io/git/login.h has a way).
// The message never shows one.
Result<GitUrl> ParseGitUrl(std::string_view text);

// What repositories are under: SCHEME://HOST[:PORT][/PATH], [USER@]HOST:[PATH] or file:///PATH, as a URL whose path
// does not end with '/'. kInvalid for all else, and for one with a user of http(s).
Result<GitUrl> ParseGitPrefix(std::string_view text);
// A prefix ends where a part of the URL ends: https://host/team is neither over https://host.evil/team nor over
// https://host/teams. Users are not compared.
bool IsUnder(const GitUrl& url, const GitUrl& prefix);
using GitPrefixes = std::vector<GitUrl>;

// Prefix → replacement; the longest prefix that fits wins; applied once.
using GitRewrites = std::vector<std::pair<std::string, std::string>>;
std::string Rewrite(std::string_view url, const GitRewrites& rules);

// Empty, "HEAD", a branch, a tag, "refs/…" in full, or a commit of 40 hex digits. kInvalid for what Git would
// not take as a name of a branch, and for revision syntax (^ ~ : @{ ..): a ref is a name, not an expression.
Status CheckGitRef(std::string_view ref);

// True for 40 lower-case hex digits.
bool IsCommit(std::string_view ref);

}  // namespace cromt
