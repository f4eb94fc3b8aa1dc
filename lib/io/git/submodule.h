// Submodules of a repository: which they are, where they come from, and how their files come into its tree. A
// `.gitmodules` is a stranger's text: only the keys `path` and `url` are read, and nothing in it leads anywhere by
// itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/blob/store.h"
#include "io/git/url.h"

namespace cromt::git {

// A place in a commit's tree that holds another repository's commit.
struct Submodule {
  std::string path;
  std::string commit;  // 40 hex digits
  std::string url;     // as `.gitmodules` says it; empty if it says none
  friend bool operator==(const Submodule&, const Submodule&) = default;
};

inline constexpr size_t kMaxModuleFileBytes = 100 << 10;
inline constexpr size_t kMaxListedSubmodules = 1000;  // of a tree
inline constexpr size_t kMaxSubmodules = 100;         // that are fetched for a tree, those within others counted
inline constexpr int kMaxSubmoduleDepth = 3;

// The `url` that a `.gitmodules` gives for `path`; empty if there is none, or it is not plainly said.
std::string UrlIn(std::string_view module_file, std::string_view path);

// `url` as it stands, or, where it begins with "./" or "../", as a place beside the repository `parent` (a URL as
// GitUrl::text). kInvalid if it climbs too far.
Result<std::string> ResolveSubmoduleUrl(std::string_view parent, std::string_view url);

struct TreePart {
  std::string path;  // an empty directory of the tree
  Digest tree;       // what it shall hold
};

// `tree` with its parts filled in, as one blob. kExhausted above the limits; kInvalid if an entry would not be allowed
// where it comes to lie.
Result<Digest> JoinTrees(BlobStore& blobs, const Digest& tree, const std::vector<TreePart>& parts, int64_t max_files,
                         int64_t max_tree_bytes);

}  // namespace cromt::git
