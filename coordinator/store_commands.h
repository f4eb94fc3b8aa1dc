// What cromt-coordinator does with its store besides serving it: backup, restore. Each prints what it did to stdout.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt {

// Copies the store of this data directory to `file`, also while a coordinator uses it.
Status RunBackup(const std::string& data_dir, const std::string& file);

// Puts the backup `file` in the place of the store of this data directory. kConflict while a coordinator uses it.
Status RunRestore(const std::string& data_dir, const std::string& file);

}  // namespace cromt
