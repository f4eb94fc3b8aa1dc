// The helper's second task: the files of a commit as an archive, straight from Git's objects.
#pragma once

#include "base/result.h"
#include "io/git/helper/reporter.h"
#include "io/git/protocol.h"

namespace cromt::git {

// Sends the archive as chunks, entries in Git's own order, so that a tree has one form. A submodule becomes an
// empty directory and a note: most repositories run without theirs.
//
// kInvalid, naming the path: a link that leads out of the tree (io/archive/entry.h), a name like ".git", a name
// twice, a path too long or deep. kExhausted: over a limit. kCorrupt: the mirror lacks or broke an object.
Result<Packed> Pack(const PackRequest& request, Reporter& reporter);

}  // namespace cromt::git
