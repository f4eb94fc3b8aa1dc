#include "core/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/name.h"
#include "base/size.h"

namespace cromt {
namespace {

constexpr size_t kMaxImageBytes = 512;
constexpr size_t kMaxMountBytes = 4096;

template <class T>
void Lay(std::optional<T>& wide, const std::optional<T>& narrow) {
  if (narrow) wide = narrow;
}

bool IsWord(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.find(c) != also.npos;
  });
}

// A component of an image's path or host: never empty, never with a '-' or '.' in front.
bool IsImageComponent(std::string_view text) {
  return IsWord(text, "._-") && text.front() != '-' && text.front() != '.';
}

bool IsImagePath(std::string_view text) {
  for (bool first = true;; first = false) {
    const size_t slash = text.find('/');
    std::string_view part = text.substr(0, slash);
    if (const size_t colon = part.find(':'); first && slash != text.npos && colon != part.npos) {
      if (!std::all_of(part.begin() + static_cast<ptrdiff_t>(colon) + 1, part.end(),
                       [](char c) { return c >= '0' && c <= '9'; }))
        return false;
      part = part.substr(0, colon);
    }
    if (!IsImageComponent(part)) return false;
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool IsDigestText(std::string_view text) {
  constexpr std::string_view kKind = "sha256:";
  return text.starts_with(kKind) && text.size() == kKind.size() + 64 &&
         text.find_first_not_of("0123456789abcdef", kKind.size()) == text.npos;
}

// Absolute, without empty, '.' or '..' components.
bool IsNormalPath(std::string_view path) {
  if (!path.starts_with('/') || path.size() < 2) return false;
  for (std::string_view rest = path.substr(1);;) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == rest.npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

void Put(std::string& out, std::string_view tag, std::string_view text) {
  out += fmt::format("{}{}:{}", tag, text.size(), text);
}
template <class T>
void Put(std::string& out, std::string_view tag, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_same_v<T, std::string>)
    Put(out, tag, std::string_view(*value));
  else
    Put(out, tag, std::string_view(std::to_string(static_cast<int64_t>(*value))));
}
void Put(std::string& out, std::string_view tag, const std::optional<std::vector<std::string>>& words) {
  if (!words) return;
  Put(out, tag, std::string_view(std::to_string(words->size())));
  for (const std::string& word : *words) Put(out, tag, std::string_view(word));
}

}  // namespace

ContainerKeys Merge(const ContainerKeys& wide, const ContainerKeys& narrow) {
  ContainerKeys keys = wide;
  Lay(keys.existing, narrow.existing);
  Lay(keys.image, narrow.image);
  Lay(keys.pull, narrow.pull);
  Lay(keys.network, narrow.network);
  Lay(keys.user, narrow.user);
  Lay(keys.pid, narrow.pid);
  Lay(keys.ipc, narrow.ipc);
  Lay(keys.read_only, narrow.read_only);
  Lay(keys.bootstrap, narrow.bootstrap);
  Lay(keys.privileged, narrow.privileged);
  Lay(keys.sudo, narrow.sudo);
  Lay(keys.mounts, narrow.mounts);
  Lay(keys.capabilities, narrow.capabilities);
  Lay(keys.devices, narrow.devices);
  Lay(keys.memory_bytes, narrow.memory_bytes);
  Lay(keys.cpu_permille, narrow.cpu_permille);
  Lay(keys.pids, narrow.pids);
  return keys;
}

std::string Describe(const ContainerKeys& keys) {
  std::string out;
  Put(out, "existing", keys.existing);
  Put(out, "image", keys.image);
  Put(out, "pull", keys.pull);
  Put(out, "network", keys.network);
  Put(out, "user", keys.user);
  Put(out, "pid", keys.pid);
  Put(out, "ipc", keys.ipc);
  Put(out, "read_only", keys.read_only);
  Put(out, "bootstrap", keys.bootstrap);
  Put(out, "privileged", keys.privileged);
  Put(out, "sudo", keys.sudo);
  Put(out, "capability", keys.capabilities);
  Put(out, "device", keys.devices);
  Put(out, "memory", keys.memory_bytes);
  Put(out, "cpus", keys.cpu_permille);
  Put(out, "pids", keys.pids);
  if (!keys.mounts) return out;
  Put(out, "mounts", std::string_view(std::to_string(keys.mounts->size())));
  for (const ContainerMount& mount : *keys.mounts) {
    Put(out, "source", std::string_view(mount.source));
    Put(out, mount.read_only ? "ro" : "rw", std::string_view(mount.target));
  }
  return out;
}

Result<std::optional<Container>> ContainerOf(const ContainerKeys& keys) {
  Container container;
  container.existing = keys.existing.value_or("");
  container.image = keys.image.value_or("");
  container.pull = keys.pull.value_or(Pull::kMissing);
  container.network = keys.network.value_or("");
  container.user = keys.user.value_or("");
  container.read_only = keys.read_only.value_or(false);
  container.bootstrap = keys.bootstrap.value_or(false);
  container.mounts = keys.mounts.value_or(std::vector<ContainerMount>());
  container.privileged = keys.privileged.value_or(false);
  container.capabilities = keys.capabilities.value_or(std::vector<std::string>());
  container.devices = keys.devices.value_or(std::vector<std::string>());
  container.pid = keys.pid.value_or("");
  container.ipc = keys.ipc.value_or("");
  if (!container.existing.empty() || !container.image.empty()) return std::optional(std::move(container));
  if (container == Container{}) return std::optional<Container>();
  if (keys.image || container.bootstrap)
    return std::optional<Container>();  // on the host itself, said in so many words
  return Fail(ErrorCode::kInvalid, "'container' names no image; write image: NAME");
}

Resources ResourcesOf(const ContainerKeys& keys) {
  return {keys.memory_bytes.value_or(0), keys.cpu_permille.value_or(0), keys.pids.value_or(0)};
}

Resources Least(const Resources& a, const Resources& b) {
  const auto least = [](auto x, auto y) { return x == 0 ? y : y == 0 ? x : std::min(x, y); };
  return {least(a.memory_bytes, b.memory_bytes), least(a.cpu_permille, b.cpu_permille), least(a.pids, b.pids)};
}

std::string OutOfMemory(const Resources& limits) {
  if (limits.memory_bytes == 0) return "out of memory: the kernel killed it";
  return fmt::format("out of memory: it needed more than its limit of {}", FormatSize(limits.memory_bytes));
}

size_t BytesOf(const Container& container) {
  size_t bytes = sizeof container + container.existing.size() + container.image.size() + container.network.size() +
                 container.user.size();
  for (const ContainerMount& mount : container.mounts)
    bytes += sizeof mount + mount.source.size() + mount.target.size();
  for (const auto* words : {&container.capabilities, &container.devices})
    for (const std::string& word : *words) bytes += sizeof word + word.size();
  return bytes;
}

std::string_view ToString(Pull pull) {
  switch (pull) {
    case Pull::kMissing: return "missing";
    case Pull::kAlways: return "always";
    case Pull::kNever: return "never";
  }
  return "";
}

std::optional<Pull> PullFrom(std::string_view word) {
  for (Pull pull : {Pull::kMissing, Pull::kAlways, Pull::kNever})
    if (ToString(pull) == word) return pull;
  return std::nullopt;
}

Status CheckImage(std::string_view text) {
  std::string_view name = text;
  bool good = text.size() <= kMaxImageBytes;
  if (const size_t at = name.find('@'); at != name.npos) {
    good = good && IsDigestText(name.substr(at + 1));
    name = name.substr(0, at);
  }
  const size_t slash = name.rfind('/');
  if (const size_t colon = name.find(':', slash == name.npos ? 0 : slash); colon != name.npos) {
    const std::string_view tag = name.substr(colon + 1);
    good = good && tag.size() <= kMaxNameBytes && IsImageComponent(tag);
    name = name.substr(0, colon);
  }
  if (good && IsImagePath(name)) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} is no image; one looks like debian:12, registry.example:5000/team/tool:1.2 or "
                          "NAME@sha256:DIGEST",
                          Quote(text)));
}

Status CheckImageDigest(std::string_view text) {
  if (IsDigestText(text) || (text.find('@') != text.npos && CheckImage(text))) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} is no image's digest; one looks like NAME@sha256:DIGEST or sha256:DIGEST", Quote(text)));
}

Result<uint32_t> ParseCpus(std::string_view text) {
  constexpr double kMost = 4096;
  double cores = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, cores);
  if (error == std::errc() && last == end && cores >= 0.001 && cores <= kMost)
    return static_cast<uint32_t>(std::lround(cores * 1000));
  return Fail(ErrorCode::kInvalid, fmt::format("{} is not a number of cores such as 0.5 or 2", Quote(text)));
}

Result<ContainerMount> ParseMount(std::string_view text) {
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalid,
                fmt::format("{} is no mount; one looks like /srv/data:/data or cache:/var/cache:ro, "
                            "without '.' and '..'",
                            Quote(text)));
  };
  const size_t first = text.find(':');
  if (text.size() > kMaxMountBytes || !IsShowable(text) || first == text.npos) return refuse();
  const std::string_view source = text.substr(0, first);
  std::string_view target = text.substr(first + 1);
  bool read_only = false;
  if (const size_t second = target.find(':'); second != target.npos) {
    read_only = target.substr(second) == ":ro";
    if (!read_only && target.substr(second) != ":rw") return refuse();
    target = target.substr(0, second);
  }
  if (!IsNormalPath(source.starts_with('/') ? std::string(source) : fmt::format("/{}", source))) return refuse();
  if (!IsNormalPath(target)) return refuse();
  return ContainerMount{std::string(source), std::string(target), read_only};
}

Status CheckContainerUser(std::string_view text) {
  const size_t colon = text.find(':');
  const bool good = text.size() <= kMaxNameBytes && IsName(text.substr(0, colon)) &&
                    (colon == text.npos || IsName(text.substr(colon + 1)));
  if (good) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} is no user of a container; write UID, UID:GID or a name of the image's", Quote(text)));
}

Status CheckCapability(std::string_view text) {
  const bool good = text.size() <= kMaxNameBytes && !text.empty() && !text.starts_with("CAP_") &&
                    text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == text.npos;
  if (good) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("{} is no capability; one looks like NET_ADMIN", Quote(text)));
}

Status CheckDevice(std::string_view text) {
  if (text.size() <= kMaxMountBytes && IsShowable(text) && text.starts_with("/dev/") && IsNormalPath(text) &&
      text.find(':') == text.npos)
    return {};
  return Fail(ErrorCode::kInvalid, fmt::format("{} is no device; one looks like /dev/fuse", Quote(text)));
}

Status CheckContainer(const Container& c) {
  if (c.existing.empty() && c.image.empty()) return Fail(ErrorCode::kInvalid, "it names neither image nor container");
  if (!c.existing.empty()) CROMT_TRY(CheckName("container", c.existing));
  if (!c.image.empty()) CROMT_TRY(CheckImage(c.image));
  if (!c.network.empty()) CROMT_TRY(CheckName("network", c.network));
  if (!c.user.empty()) CROMT_TRY(CheckContainerUser(c.user));
  for (const auto& [what, count] :
       {std::pair("mounts", c.mounts.size()), {"capabilities", c.capabilities.size()}, {"devices", c.devices.size()}})
    if (count > kMaxContainerItems)
      return Fail(ErrorCode::kInvalid, fmt::format("{} {}; at most {} are allowed", count, what, kMaxContainerItems));
  for (const ContainerMount& mount : c.mounts) {
    const std::string text = fmt::format("{}:{}{}", mount.source, mount.target, mount.read_only ? ":ro" : "");
    CROMT_ASSIGN(const ContainerMount read, ParseMount(text));
    if (!(read == mount)) return Fail(ErrorCode::kInvalid, fmt::format("{} is no mount", Quote(text)));
  }
  for (const std::string& word : c.capabilities) CROMT_TRY(CheckCapability(word));
  for (const std::string& word : c.devices) CROMT_TRY(CheckDevice(word));
  for (const auto& [what, word] : {std::pair("pid", &c.pid), {"ipc", &c.ipc}})
    if (!word->empty() && *word != "host")
      return Fail(ErrorCode::kInvalid, fmt::format("{}: {} is not host", what, Quote(*word)));
  return {};
}

Status CheckResources(const Resources& limits) {
  if (limits.memory_bytes >= 0) return {};
  return Fail(ErrorCode::kInvalid, "memory: a limit is at least 0");
}

}  // namespace cromt
