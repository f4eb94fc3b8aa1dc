// A container that an engine is to make, as plain values; apart from the engine, so that who only orders one needs no
// HTTP.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/container.h"

namespace cromt {

struct EngineMount {
  std::string source;  // absolute, of the engine's host
  std::string target;
  bool read_only = false;
};

// One container to be made. Nothing of it passes a shell.
struct ContainerOrder {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string image;              // as inspected: an id
  std::vector<std::string> argv;  // instead of the image's entrypoint and command
  std::vector<std::string> env;   // NAME=VALUE
  std::string directory;
  std::string user;
  std::vector<EngineMount> mounts;
  std::string network;
  std::string pid, ipc;
  bool read_only = false;  // the root; /tmp is a file system in memory then
  bool privileged = false;
  bool no_new_privileges = false;  // not even by a setuid program
  std::vector<std::string> capabilities, devices;
  Resources limits;
};

struct RegistryLogin {
  std::string registry, user, password;
};

}  // namespace cromt
