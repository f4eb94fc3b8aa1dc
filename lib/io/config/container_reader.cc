#include "io/config/container_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "base/name.h"
#include "io/config/flag_word.h"
#include "io/config/job_shapes.h"
#include "io/config/value_reader.h"

namespace cromt {
namespace {

constexpr std::string_view kContainerKeys[] = {"image", "pull", "network", "memory",     "cpus",
                                               "pids",  "user", "mounts",  "read_only",  "bootstrap",
                                               "pid",   "ipc",  "devices", "privileged", "capabilities"};
constexpr std::string_view kResourceKeys[] = {"cpus", "memory", "pids"};
constexpr std::string_view kSparrowdoKeys[] = {"docker", "image", "bootstrap", "no_sudo", "sudo", "localhost"};
// Of a Sparrowdo that runs elsewhere; whoever brings a file along has them.
constexpr std::string_view kWithoutMeaning[] = {
    "host", "ssh_user",    "ssh_port", "ssh_private_key", "no_index_update", "repo",  "sync",  "conf",
    "tags", "secretsfile", "verbose",  "debug",           "cleanup",         "color", "prefix"};

bool Has(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The values of one map.
class MapReader {
 public:
  MapReader(std::string_view name, Diagnostics& diagnostics) : name_(name), diagnostics_(diagnostics) {}

  // False, and said, if it is something else; nothing at all is an empty map.
  bool IsMap(YamlNode value) {
    if (value.kind() == YamlKind::kMap) return true;
    if (!value.is_null() && !value.text().empty())
      Wrong(value, fmt::format("{} where a map is meant", ToString(value.kind())));
    return false;
  }

  void Text(YamlNode key, std::optional<std::string>& to) {
    if (auto text = Word(key)) to = std::move(*text);
  }
  template <class Check>
  void Text(YamlNode key, std::optional<std::string>& to, const Check& check) {
    auto text = Word(key);
    if (!text) return;
    if (Status good = check(*text); !good) return Wrong(key.next(), good.error().message);
    to = std::move(*text);
  }
  void Flag(YamlNode key, std::optional<bool>& to) {
    if (Says(key, Shape::kFlag)) to = FlagWord(key.next().text());
  }
  void Size(YamlNode key, std::optional<int64_t>& to) {
    if (Says(key, Shape::kSize)) to = BytesOf(key.next().text());
  }
  void Count(YamlNode key, std::optional<uint32_t>& to) {
    if (Says(key, Shape::kCount)) to = CountOf(key.next().text());
  }
  void Cpus(YamlNode key, std::optional<uint32_t>& to) {
    auto text = Word(key);
    if (!text) return;
    if (auto permille = ParseCpus(*text))
      to = *permille;
    else
      Wrong(key.next(), fmt::format("'{}': {}", key.text(), permille.error().message));
  }
  // Calls take(text) for each entry of a list, which says what is wrong with it.
  template <class Take>
  void List(YamlNode key, const Take& take) {
    const YamlNode list = key.next();
    if (!Says(key, Shape::kList)) return;
    if (list.size() > kMaxContainerItems)
      return Wrong(list, fmt::format("'{}': at most {} entries are allowed", key.text(), kMaxContainerItems));
    for (YamlNode entry = list.first(); entry; entry = entry.next()) {
      if (entry.kind() != YamlKind::kText)
        Wrong(entry, fmt::format("'{}': {} where text is meant", key.text(), ToString(entry.kind())));
      else if (Status good = take(entry.text()); !good)
        Wrong(entry, good.error().message);
    }
  }
  void Words(YamlNode key, std::optional<std::vector<std::string>>& to, Status (*check)(std::string_view)) {
    to.emplace();
    List(key, [&](std::string_view text) -> Status {
      CROMT_TRY(check(text));
      to->emplace_back(text);
      return {};
    });
  }

  void Unknown(YamlNode key, std::span<const std::string_view> known) {
    const std::vector<std::string_view> names(known.begin(), known.end());
    Wrong(key, fmt::format("unknown key {}{}", Quote(key.text()), DidYouMean(key.text(), names)));
  }
  void Wrong(YamlNode node, std::string_view what) {
    diagnostics_.Error(node.at(), fmt::format("'{}': {}", name_, what));
  }

 private:
  // That its value has this shape, and is no empty one.
  bool Says(YamlNode key, Shape shape) {
    const YamlNode value = key.next();
    const JobKey checked{key.text(), kNowhere, kNowhere, shape, true};
    return CheckShape(checked, value, diagnostics_) && (value.kind() == YamlKind::kList || !value.text().empty());
  }
  std::optional<std::string> Word(YamlNode key) {
    const YamlNode value = key.next();
    if (value.kind() == YamlKind::kMap || value.kind() == YamlKind::kList) {
      Wrong(value, fmt::format("'{}' must be text", key.text()));
      return std::nullopt;
    }
    if (value.text().empty()) return std::nullopt;
    return std::string(value.text());
  }

  std::string_view name_;
  Diagnostics& diagnostics_;
};

Status OnlyHost(std::string_view text) {
  if (text == "host") return {};
  return Fail(ErrorCode::kInvalid, fmt::format("{} is not host", Quote(text)));
}

void ReadMounts(MapReader& reader, YamlNode key, std::optional<std::vector<ContainerMount>>& to) {
  to.emplace();
  reader.List(key, [&](std::string_view text) -> Status {
    CROMT_ASSIGN(ContainerMount mount, ParseMount(text));
    to->push_back(std::move(mount));
    return {};
  });
}

// False if it is none of these.
bool ReadLimit(MapReader& reader, YamlNode key, ContainerKeys& keys) {
  if (key.text() == "memory")
    reader.Size(key, keys.memory_bytes);
  else if (key.text() == "cpus")
    reader.Cpus(key, keys.cpu_permille);
  else if (key.text() == "pids")
    reader.Count(key, keys.pids);
  else
    return false;
  return true;
}

// Of a fresh container, whatever a wider place says.
void SetImage(ContainerKeys& keys, std::optional<std::string> image) {
  if (!image) return;
  keys.image = std::move(image);
  keys.existing = "";
}

}  // namespace

void ReadContainer(YamlNode value, ContainerKeys& keys, Diagnostics& diagnostics) {
  MapReader reader("container", diagnostics);
  if (!reader.IsMap(value)) return;
  for (YamlNode key = value.first(); key; key = key.next().next()) {
    const std::string_view name = key.text();
    if (name == "image") {
      std::optional<std::string> image;
      reader.Text(key, image, CheckImage);
      SetImage(keys, std::move(image));
    } else if (name == "pull") {
      std::optional<std::string> word;
      reader.Text(key, word);
      if (word && !(keys.pull = PullFrom(*word)))
        reader.Wrong(key.next(), fmt::format("'pull': {} is not missing, always or never", Quote(*word)));
    } else if (name == "network") {
      reader.Text(key, keys.network, [](std::string_view text) { return CheckName("network", text); });
    } else if (name == "user") {
      reader.Text(key, keys.user, CheckContainerUser);
    } else if (name == "mounts") {
      ReadMounts(reader, key, keys.mounts);
    } else if (name == "read_only") {
      reader.Flag(key, keys.read_only);
    } else if (name == "bootstrap") {
      reader.Flag(key, keys.bootstrap);
    } else if (name == "privileged") {
      reader.Flag(key, keys.privileged);
    } else if (name == "capabilities") {
      reader.Words(key, keys.capabilities, CheckCapability);
    } else if (name == "devices") {
      reader.Words(key, keys.devices, CheckDevice);
    } else if (name == "pid") {
      reader.Text(key, keys.pid, OnlyHost);
    } else if (name == "ipc") {
      reader.Text(key, keys.ipc, OnlyHost);
    } else if (!ReadLimit(reader, key, keys)) {
      reader.Unknown(key, kContainerKeys);
    }
  }
}

void ReadSparrowdo(YamlNode value, ContainerKeys& keys, Diagnostics& diagnostics) {
  MapReader reader("sparrowdo", diagnostics);
  if (!reader.IsMap(value)) return;
  std::optional<std::string> docker, image;
  std::optional<bool> localhost;
  for (YamlNode key = value.first(); key; key = key.next().next()) {
    const std::string_view name = key.text();
    if (name == "docker") {
      // Where no container has this name, it is an image's.
      reader.Text(key, docker, CheckImage);
    } else if (name == "image") {
      reader.Text(key, image, CheckImage);
    } else if (name == "bootstrap") {
      reader.Flag(key, keys.bootstrap);
    } else if (name == "localhost") {
      reader.Flag(key, localhost);
    } else if (name == "no_sudo" || name == "sudo") {
      std::optional<bool> flag;
      reader.Flag(key, flag);
      if (flag) keys.sudo = *flag == (name == "sudo");
    } else if (Has(kWithoutMeaning, name)) {
      diagnostics.Warning(key.at(), fmt::format("'sparrowdo': '{}' has no effect here", name));
    } else {
      reader.Unknown(key, kSparrowdoKeys);
    }
  }
  if (docker) {
    keys.existing = IsName(*docker) ? *docker : "";
    keys.image = std::move(docker);
  }
  SetImage(keys, std::move(image));
  if (localhost.value_or(false)) keys.existing = keys.image = "";
}

void ReadResources(YamlNode value, ContainerKeys& keys, std::vector<Unbuilt>& unbuilt, Diagnostics& diagnostics) {
  MapReader reader("resources", diagnostics);
  if (!reader.IsMap(value)) return;
  for (YamlNode key = value.first(); key; key = key.next().next()) {
    if (ReadLimit(reader, key, keys)) continue;
    if (key.text() != "gpu") {
      reader.Unknown(key, kResourceKeys);
      continue;
    }
    diagnostics.Warning(key.at(), NotBuilt("resources: gpu"));
    unbuilt.push_back({"resources: gpu", key.at()});
  }
}

}  // namespace cromt
