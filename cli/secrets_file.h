// The file of `cromt run --secrets-file`: a YAML map of secrets' names and values, that nobody but its owner can read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cromt::cli {

// In the order of the file. kDenied if others may read it; else kInvalid. No message holds anything of a value.
Result<std::vector<std::pair<std::string, std::string>>> ReadSecretsFile(const std::string& path);

}  // namespace cromt::cli
