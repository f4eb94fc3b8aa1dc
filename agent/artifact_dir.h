// The `.artifacts` directory of a task: empty when it begins, but for what it takes.
#pragma once

#include <string>

#include "base/result.h"
#include "core/model.h"
#include "io/blob/store.h"

namespace cromt {

// Makes `DIR/.artifacts` anew (what was there is gone; if that was a link, only the link) and puts each input there
// under its path: a file as a file, an archive as a directory. Each appears whole, by a rename. Errors name the
// artifact. REQUIRES: all blobs are in the store; nobody else works in the directory. Any thread.
Status StageArtifacts(const std::string& dir, const LeaseInputs& inputs, const BlobStore& blobs);

}  // namespace cromt
