// Which of a remote's refs a name means. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt::git {

struct AdvertisedRef {
  std::string name;    // "HEAD", "refs/heads/main", "refs/tags/v1", "refs/tags/v1^{}" (what the tag names)
  std::string id;      // 40 hex digits
  std::string target;  // of a symbolic ref: the ref it names
};

struct ChosenRef {
  std::string name;    // to fetch; empty = all branches and tags, since a commit was asked for
  std::string id;      // what it names now, or the commit asked for
  std::string branch;  // if it is one
};

// `ref` has passed CheckGitRef; empty = HEAD. kNotFound names what there is instead; kInvalid for a name that is
// a branch and a tag of different commits.
Result<ChosenRef> ChooseRef(std::string_view ref, const std::vector<AdvertisedRef>& advertised, std::string_view shown);

}  // namespace cromt::git
