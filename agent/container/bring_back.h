// Makes a directory hold what another one holds: a workspace, after the job that had a copy of it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cromt::container {

// `from` holds what came back, files, directories and symbolic links, and gives it up: files are moved where that can
// be. `sent` are the paths that went there, parents first: what of them did not come back is removed. A file that is as
// it was is not touched, another keeps its mode but for the right to execute it. All else in `to` stays, and nothing
// outside of it is written, whatever links lie in it. Errors name the path; what was done until then stays done.
Status BringBack(const std::string& from, const std::string& to, const std::vector<std::string>& sent);

}  // namespace cromt::container
