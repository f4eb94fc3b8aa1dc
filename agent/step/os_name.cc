#include "agent/step/os_name.h"

#include <algorithm>

#include "agent/step/repository.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxOsReleaseBytes = 64 << 10;

// The value of `key=value` or `key="value"` on a line of its own; empty if there is none.
std::string Field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(key) || line.size() == key.size() || line[key.size()] != '=') continue;
    line.remove_prefix(key.size() + 1);
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.back() == line.front())
      line = line.substr(1, line.size() - 2);
    return std::string(line);
  }
  return {};
}

}  // namespace

std::string OsNameFrom(std::string_view os_release) {
  const std::string id = Field(os_release, "ID");
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (id.empty() || !plain) return "linux";
  if (id == "arch") return "archlinux";
  if (id == "amzn") return "amazon";
  const std::string version = Field(os_release, "VERSION_ID");
  return id == "centos" ? id + version.substr(0, version.find('.')) : id;
}

std::string OsName() {
  auto system = Repository::Open("/", Repository::Resolver::kCompare);
  if (!system) return "linux";
  auto text = system->Read("etc/os-release", kMaxOsReleaseBytes);
  return text ? OsNameFrom(*text) : "linux";
}

}  // namespace cromt::step
