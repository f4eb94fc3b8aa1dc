// Reads what a task publishes out of its directory into the blob store.
#pragma once

#include <string>

#include "base/result.h"
#include "core/model.h"
#include "io/blob/store.h"

namespace cromt {

// One artifact: a plain file as it is; a directory, or what a pattern matches, as one archive with paths relative to
// the directory (for a pattern: to `root`), in the order of their names. The grant is left empty.
//
// Nothing outside of `root` is read: a link that leads out, or a path through one, is refused. kNotFound for what is
// not there; kInvalid for what is neither file, directory nor link (a FIFO is not waited for); kConflict for a file
// that changes while it is read; kExhausted when the disk is full or an archive has too many entries. Errors name the
// artifact and the path. Blocks for as long as reading and writing take; any thread.
Result<PublishedArtifact> Collect(const std::string& root, bool root_may_be_link, const ArtifactOut& out,
                                  BlobStore& blobs);

}  // namespace cromt
