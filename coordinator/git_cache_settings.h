// What the configuration says of Git, as the Git cache takes it.
#pragma once

#include <string>

#include "io/config/git_settings.h"
#include "io/git/cache.h"

namespace cromt {

// `program_dir` is where cromt-git lies. kInvalid for a URL prefix of credentials that is none.
Result<GitCache::Settings> GitCacheSettings(const GitSettings& said, const std::string& program_dir);

}  // namespace cromt
