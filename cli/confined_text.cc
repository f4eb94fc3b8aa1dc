#include "cli/confined_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "base/size.h"
#include "cli/clean_text.h"

namespace cromt::cli {
namespace {

void AddContainer(const Container& container, std::vector<std::string>& words) {
  const bool both = container.existing == container.image;  // whatever is there under this name
  if (!container.existing.empty() && !both) words.push_back("container " + container.existing);
  if (!container.image.empty()) words.push_back((words.empty() ? "" : "else ") + container.image);
  if (container.pull != Pull::kMissing) words.push_back(fmt::format("pull {}", ToString(container.pull)));
  for (const auto& [what, text] : {std::pair("network", &container.network), {"user", &container.user}})
    if (!text->empty()) words.push_back(fmt::format("{} {}", what, *text));
  if (container.read_only) words.push_back("read-only");
  if (container.bootstrap) words.push_back("bootstrap");
  for (const ContainerMount& mount : container.mounts)
    words.push_back(fmt::format("{}:{}{}", mount.source, mount.target, mount.read_only ? ":ro" : ""));
  if (container.privileged) words.push_back("privileged");
  for (const std::string& capability : container.capabilities) words.push_back("+" + capability);
  for (const std::string& device : container.devices) words.push_back(device);
  for (const auto& [what, text] : {std::pair("pid", &container.pid), {"ipc", &container.ipc}})
    if (!text->empty()) words.push_back(fmt::format("{} {}", what, *text));
}

}  // namespace

std::string ConfinedText(const ConfinedView& confined) {
  const auto& [container, limits, confinement] = confined;
  std::vector<std::string> words;
  if (container) AddContainer(*container, words);
  if (!confinement.user.empty()) words.push_back("user " + confinement.user);
  if (confinement.sandbox != Sandbox::kStandard)
    words.push_back(fmt::format("sandbox {}", ToString(confinement.sandbox)));
  if (limits.memory_bytes > 0) words.push_back("memory " + FormatSize(limits.memory_bytes));
  if (limits.cpu_permille > 0) words.push_back(fmt::format("cpus {}", limits.cpu_permille / 1000.0));
  if (limits.pids > 0) words.push_back(fmt::format("pids {}", limits.pids));
  return Clean(fmt::format("{}", fmt::join(words, ", ")));
}

}  // namespace cromt::cli
