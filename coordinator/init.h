// `cromt-coordinator init`: founds the mesh of this data directory.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt {

struct InitOptions {
  std::string data_dir;
  std::string advertised;  // HOST:PORT, where others reach the coordinator
  bool json = false;
};

// Prints the first admin's token, which nobody can be told again. kConflict while a coordinator uses the directory, or
// if its mesh was founded before.
Status RunInit(const InitOptions& options);

// Where the coordinator's access data lies.
std::string AccessFolder(const std::string& data_dir);

}  // namespace cromt
