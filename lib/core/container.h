// The container that a task runs in, as a job file asks for it; whether it may is for the agent's policy. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt {

enum class Pull { kMissing, kAlways, kNever };

// A folder or file of the host that the container sees. A relative source lies below the task's directory.
struct ContainerMount {
  std::string source;
  std::string target;  // absolute, normal
  bool read_only = false;
  friend bool operator==(const ContainerMount&, const ContainerMount&) = default;
};

// REQUIRES: `existing` or `image` is set.
struct Container {
  std::string existing;  // the name of one that is used where it runs, instead of a fresh one
  std::string image;     // of a fresh one; empty = there is none, `existing` must run
  Pull pull = Pull::kMissing;
  std::string network;  // none, host, or a name of the engine's; empty = the engine's default
  std::string user;     // UID[:GID] or a name of the image's; empty = the job's own
  bool read_only = false;
  bool bootstrap = false;  // Sparrow tasks must run: what they need is installed
  std::vector<ContainerMount> mounts;
  // What an agent grants only if its own configuration says so.
  bool privileged = false;
  std::vector<std::string> capabilities;  // added, as NET_ADMIN
  std::vector<std::string> devices;       // paths of the host
  std::string pid;                        // host
  std::string ipc;                        // host
  friend bool operator==(const Container&, const Container&) = default;
};

// What the processes of one attempt may use together; 0 = as much as there is.
struct Resources {
  int64_t memory_bytes = 0;
  uint32_t cpu_permille = 0;  // 1000 = one core
  uint32_t pids = 0;
  bool any() const { return memory_bytes != 0 || cpu_permille != 0 || pids != 0; }
  friend bool operator==(const Resources&, const Resources&) = default;
};

// Keys of `container`, `sparrowdo` and `resources` that project, entry and host may each set: what is unset comes from
// the wider one.
struct ContainerKeys {
  std::optional<std::string> existing, image;  // set together
  std::optional<Pull> pull;
  std::optional<std::string> network, user, pid, ipc;
  std::optional<bool> read_only, bootstrap, privileged;
  std::optional<bool> sudo;  // of `sparrowdo`, on the host itself: as root
  std::optional<std::vector<ContainerMount>> mounts;
  std::optional<std::vector<std::string>> capabilities, devices;
  std::optional<int64_t> memory_bytes;
  std::optional<uint32_t> cpu_permille, pids;
  friend bool operator==(const ContainerKeys&, const ContainerKeys&) = default;
};

// What both say, `narrow` before `wide`.
ContainerKeys Merge(const ContainerKeys& wide, const ContainerKeys& narrow);

// The same text for the same keys, and for no others.
std::string Describe(const ContainerKeys& keys);

// nullopt: no container; kInvalid for keys that need one without naming one.
Result<std::optional<Container>> ContainerOf(const ContainerKeys& keys);
Resources ResourcesOf(const ContainerKeys& keys);
// Of each the lower one.
Resources Least(const Resources& a, const Resources& b);
// Why a job ended that the kernel killed for want of memory, for people.
std::string OutOfMemory(const Resources& limits);

// About what it takes in memory with its texts.
size_t BytesOf(const Container& container);

std::string_view ToString(Pull pull);
std::optional<Pull> PullFrom(std::string_view word);

// kInvalid says what a good one looks like. None of them can be taken for an option or for two words.
// An image: [HOST[:PORT]/]NAME[/NAME…][:TAG][@sha256:64 hex digits], at most 512 bytes.
Status CheckImage(std::string_view text);
// What says which image a container was made of: NAME@sha256:DIGEST, or, where it came from no registry, the engine's
// own id of it, sha256:DIGEST. At most 512 bytes.
Status CheckImageDigest(std::string_view text);
// A number of cores such as 0.5 or 2, in thousandths.
Result<uint32_t> ParseCpus(std::string_view text);
// SOURCE:TARGET[:ro].
Result<ContainerMount> ParseMount(std::string_view text);
// UID[:GID], or NAME[:GROUP].
Status CheckContainerUser(std::string_view text);
// NET_ADMIN, without CAP_.
Status CheckCapability(std::string_view text);
// /dev/NAME, without '.' and '..'.
Status CheckDevice(std::string_view text);

inline constexpr size_t kMaxContainerItems = 100;  // mounts, capabilities, devices
// All of the above, of one that came from outside.
Status CheckContainer(const Container& container);
Status CheckResources(const Resources& limits);

}  // namespace cromt
