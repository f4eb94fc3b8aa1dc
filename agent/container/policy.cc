#include "agent/container/policy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <utility>

#include "base/name.h"

namespace cromt {
namespace {

Error Denied(std::string_view what, std::string_view word) {
  return {
      ErrorCode::kDenied,
      fmt::format("this agent lets no container {}; '{}' in containers.allow of its configuration would", what, word)};
}
tl::unexpected<Error> Deny(std::string_view what, std::string_view word) {
  return tl::unexpected<Error>(Denied(what, word));
}

bool Has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Empty if there is no such file.
std::string RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : "";
}

bool IsWithin(const std::string& path, const std::string& folder) {
  return path == folder || folder == "/" || path.starts_with(folder + "/");
}

// Numbers that are not root's, of the user and, where it is named, of the group.
bool IsPlainUser(std::string_view user) {
  const auto is_plain = [](std::string_view id) {
    return id.find_first_not_of("0123456789") == id.npos && id.find_first_not_of('0') != id.npos;
  };
  const size_t colon = user.find(':');
  return is_plain(user.substr(0, colon)) && (colon == user.npos || is_plain(user.substr(colon + 1)));
}

Status Take(std::string_view word, ContainerPolicy& policy) {
  const size_t colon = word.find(':');
  const std::string_view kind = word.substr(0, colon);
  const std::string_view what = colon == word.npos ? std::string_view() : word.substr(colon + 1);
  if (word == "privileged")
    policy.privileged = true;
  else if (word == "host-network")
    policy.host_network = true;
  else if (word == "host-pid")
    policy.host_pid = true;
  else if (word == "host-ipc")
    policy.host_ipc = true;
  else if (word == "root")
    policy.root = true;
  else if (kind == "capability" && CheckCapability(what))
    policy.capabilities.emplace_back(what);
  else if (kind == "device" && CheckDevice(what))
    policy.devices.emplace_back(what);
  else if (kind == "mount" && (what == "/" || (what.starts_with('/') && ParseMount(fmt::format("{}:/x", what)))))
    policy.mounts.emplace_back(what);
  else if (kind == "container" && (what == "*" || IsName(what)))
    policy.containers.emplace_back(what);
  else
    return Fail(ErrorCode::kInvalid,
                fmt::format("containers.allow: {}: write privileged, host-network, host-pid, host-ipc, root, "
                            "capability:NAME, device:/dev/NAME, mount:/PATH or container:NAME",
                            Quote(word)));
  return {};
}

}  // namespace

std::string EngineAddress(const std::string& configured) {
  if (!configured.empty()) return configured;
  if (const char* host = std::getenv("DOCKER_HOST"); host && *host) return host;
  constexpr const char* kDocker = "/var/run/docker.sock";
  constexpr const char* kPodman = "/run/podman/podman.sock";
  const bool podman = ::access(kDocker, F_OK) != 0 && ::access(kPodman, F_OK) == 0;
  return fmt::format("{}{}", "unix://", podman ? kPodman : kDocker);
}

Result<ContainerPolicy> ParsePolicy(const std::vector<std::string>& allow) {
  ContainerPolicy policy;
  for (const std::string& word : allow) CROMT_TRY(Take(word, policy));
  return policy;
}

Status Allowed(const Container& container, const ContainerPolicy& policy, bool is_root) {
  if (container.privileged && !policy.privileged) return Deny("be privileged", "privileged");
  if (container.network == "host" && !policy.host_network) return Deny("use the host's network", "host-network");
  if (!container.pid.empty() && !policy.host_pid) return Deny("see the host's processes", "host-pid");
  if (!container.ipc.empty() && !policy.host_ipc) return Deny("use the host's IPC", "host-ipc");
  if (!container.user.empty() && !IsPlainUser(container.user) && !policy.root && !is_root)
    return Deny(fmt::format("run as {}, who may be root", Quote(container.user)), "root");
  for (const std::string& word : container.capabilities)
    if (!Has(policy.capabilities, word)) return Deny("have the capability " + word, "capability:" + word);
  for (const std::string& word : container.devices)
    if (!Has(policy.devices, word)) return Deny("use the device " + word, "device:" + word);
  return {};
}

Status MayEnter(const std::string& name, const ContainerPolicy& policy) {
  if (Has(policy.containers, name) || Has(policy.containers, "*")) return {};
  return Fail(ErrorCode::kDenied,
              fmt::format("a container named {} runs here, and this agent lets no job run in it; 'container:{}' in "
                          "containers.allow of its configuration would, and 'image' instead of 'docker' means a fresh "
                          "container",
                          name, name));
}

std::string KeysOfFresh(const Container& container, const Resources& limits) {
  const std::pair<const char*, bool> keys[] = {
      {"network", !container.network.empty()},
      {"read_only", container.read_only},
      {"mounts", !container.mounts.empty()},
      {"privileged", container.privileged},
      {"capabilities", !container.capabilities.empty()},
      {"devices", !container.devices.empty()},
      {"pid", !container.pid.empty()},
      {"ipc", !container.ipc.empty()},
      {"memory", limits.memory_bytes != 0},
      {"cpus", limits.cpu_permille != 0},
      {"pids", limits.pids != 0},
  };
  std::string text;
  for (const auto& [key, is_set] : keys)
    if (is_set) text += fmt::format("{}'{}'", text.empty() ? "" : ", ", key);
  return text;
}

Result<std::vector<EngineMount>> ResolveMounts(const Container& container, const ContainerPolicy& policy,
                                               const std::string& directory, const std::string& engine_socket) {
  std::vector<EngineMount> mounts;
  const std::string home = RealPath(directory);
  const std::string socket = RealPath(engine_socket);
  const auto reaches_engine = [&](const std::string& folder) {
    return !socket.empty() && IsWithin(socket, folder) && !Has(policy.mounts, engine_socket);
  };
  const auto deny_engine = [&] {
    return Deny("reach the container engine, which could do anything", "mount:" + engine_socket);
  };
  if (!home.empty() && reaches_engine(home)) return deny_engine();
  for (const ContainerMount& mount : container.mounts) {
    const bool relative = !mount.source.starts_with('/');
    const std::string real = RealPath(relative ? directory + "/" + mount.source : mount.source);
    if (real.empty())
      return Fail(ErrorCode::kNotFound, fmt::format("mount {}: there is no such file", Quote(mount.source)));
    const bool within = !home.empty() && IsWithin(real, home);
    const bool allowed = std::any_of(policy.mounts.begin(), policy.mounts.end(), [&](const std::string& folder) {
      const std::string resolved = RealPath(folder);
      return !resolved.empty() && IsWithin(real, resolved);
    });
    if (!within && !allowed) return Deny(fmt::format("see {}", Quote(real)), "mount:" + real);
    if (reaches_engine(real)) return deny_engine();
    mounts.push_back({real, mount.target, mount.read_only});
  }
  return mounts;
}

std::string RegistryOf(const std::string& image) {
  // As Docker has it: the first component is a registry if it looks like a host.
  const size_t slash = image.find('/');
  const std::string first = image.substr(0, slash);
  const bool is_host = slash != image.npos && (first.find_first_of(".:") != first.npos || first == "localhost");
  return is_host ? first : "docker.io";
}

Result<std::optional<RegistryLogin>> LoginFor(const std::string& image, const ContainerSettings& settings) {
  const std::string registry = RegistryOf(image);
  const auto found = settings.logins.find(registry);
  if (found == settings.logins.end()) return std::optional<RegistryLogin>();
  std::string line;
  std::ifstream file(found->second);
  std::getline(file, line);
  const size_t colon = line.find(':');
  if (!file || colon == line.npos || colon == 0)
    return Fail(ErrorCode::kInvalid,
                fmt::format("containers.registries: {}: {} does not hold USER:PASSWORD in its first line", registry,
                            found->second));
  return std::optional(RegistryLogin{registry, line.substr(0, colon), line.substr(colon + 1)});
}

}  // namespace cromt
