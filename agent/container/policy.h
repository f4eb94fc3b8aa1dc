// What the agent's own configuration lets jobs in containers do beyond its defaults. Pure, but for resolving mounts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/container.h"
#include "io/container/order.h"

namespace cromt {

struct ContainerPolicy {
  bool privileged = false;
  bool host_network = false, host_pid = false, host_ipc = false;
  bool root = false;                      // as the container's root, or as a user whose number only the image knows
  std::vector<std::string> capabilities;  // as NET_ADMIN
  std::vector<std::string> devices;       // as /dev/fuse
  std::vector<std::string> mounts;        // absolute: these and what lies below
  std::vector<std::string> containers;    // names of running ones that jobs may run in; * is any
};

struct ContainerSettings {
  std::string engine;  // unix:///PATH
  ContainerPolicy policy;
  std::map<std::string, std::string> logins;  // registry → file that holds USER:PASSWORD
};

// Where an engine is looked for: `configured`, else $DOCKER_HOST, else Docker's socket, else Podman's.
std::string EngineAddress(const std::string& configured);

// Of words as `privileged`, `host-network`, `host-pid`, `host-ipc`, `root`, `capability:X`, `device:X`, `mount:X`,
// `container:X`.
Result<ContainerPolicy> ParsePolicy(const std::vector<std::string>& allow);

// kDenied names what is not allowed, and the word that would allow it. `is_root`: the agent is root itself, so its jobs
// are, too.
Status Allowed(const Container& container, const ContainerPolicy& policy, bool is_root);

// For a job in a container of this name that runs already: whoever may run there reaches what that one reaches.
Status MayEnter(const std::string& name, const ContainerPolicy& policy);

// Keys of the job that a container which runs already can't be given any more, in words; empty if there are none.
std::string KeysOfFresh(const Container& container, const Resources& limits);

// Where the mounts of a container really lead, with symbolic links resolved: within the task's directory, or where the
// policy allows; never to what holds the engine's socket, which the task's directory may not hold either.
Result<std::vector<EngineMount>> ResolveMounts(const Container& container, const ContainerPolicy& policy,
                                               const std::string& directory, const std::string& engine_socket);

// "registry.example:5000" of "registry.example:5000/team/tool:1", "docker.io" of "tool".
std::string RegistryOf(const std::string& image);

// What the agent's configuration has for the registry of this image; nullopt if it has nothing. kInvalid if its file
// can't be read or says something else.
Result<std::optional<RegistryLogin>> LoginFor(const std::string& image, const ContainerSettings& settings);

}  // namespace cromt
