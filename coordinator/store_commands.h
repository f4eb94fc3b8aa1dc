// What cromt-coordinator does with its store besides serving it: backup, restore, recover. Each prints what it did to
// stdout.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/recovery.h"

namespace cromt {

// Copies the store of this data directory to `file`, also while a coordinator uses it.
Status RunBackup(const std::string& data_dir, const std::string& file);

// Puts the backup `file` in the place of the store of this data directory. kConflict while a coordinator uses it.
Status RunRestore(const std::string& data_dir, const std::string& file);

struct RecoverOptions {
  std::string data_dir;
  std::vector<std::string> addresses;  // where agents may be, besides those that the store names
  bool without = false;                // though agents that have attempts in flight have not answered
  bool stop_unknown = false;           // attempts that fit nothing in the store are stopped, not kept
  // Asks all of these. `unreached` gets a sentence for each that has not answered.
  std::function<std::vector<InspectedAgent>(const MeshId& mesh, const std::vector<std::string>& addresses,
                                            std::vector<std::string>& unreached)>
      inspect;
};

// Makes a store that went back one to go on with, by what all agents know. kConflict while a coordinator uses it.
// kNotFound: there is none. kUnavailable: agents that have attempts in flight have not answered.
Status RunRecover(const RecoverOptions& options);

}  // namespace cromt
