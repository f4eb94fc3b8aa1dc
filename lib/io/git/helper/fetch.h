// The helper's first tasks: bring a mirror up to date, and say which commit a ref names.
#pragma once

#include "base/result.h"
#include "io/git/helper/reporter.h"
#include "io/git/protocol.h"

namespace cromt::git {

// One connection: lists the remote's refs, chooses, downloads what is missing of it. kCorrupt: the mirror is
// damaged, try again with `rebuild`. Other errors as of GitCache::Resolve.
Result<Fetched> Fetch(const FetchRequest& request, Reporter& reporter);

// What the ref names, and no more. Of its mirror only the folder that it lies in is used: as a home, by ssh.
Result<Fetched> List(const FetchRequest& request, Reporter& reporter);

}  // namespace cromt::git
