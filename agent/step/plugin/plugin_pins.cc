#include "agent/step/plugin/plugin_pins.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kMaxUrlBytes = 2048;
constexpr std::string_view kDigestPrefix = "sha256:";

bool IsSha256(std::string_view text) {
  return text.size() == kSha256Digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<PluginPin> ParsePin(const std::string& name, std::string_view text) {
  const size_t blank = std::min(text.find(' '), text.size());
  const std::string_view version = text.substr(0, blank);
  std::string_view digest = text.substr(std::min(text.find_first_not_of(' ', blank), text.size()));
  if (!IsName(version) || !digest.starts_with(kDigestPrefix) || !IsSha256(digest.substr(kDigestPrefix.size())))
    return Fail(ErrorCode::kInvalid, fmt::format("plugin {}: {}: write VERSION sha256:DIGEST, as `cromt-step --pin` "
                                                 "prints it",
                                                 Quote(name), Quote(text)));
  digest.remove_prefix(kDigestPrefix.size());
  return PluginPin{std::string(version), std::string(digest)};
}

}  // namespace

Result<std::string> CheckRepositoryUrl(std::string url) {
  const bool has_scheme = std::ranges::any_of(std::initializer_list<std::string_view>{"http://", "https://", "file://"},
                                              [&](std::string_view scheme) { return url.starts_with(scheme); });
  const bool is_plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!has_scheme || !is_plain || url.size() > kMaxUrlBytes)
    return Fail(ErrorCode::kInvalid, "the plugin repository " + Quote(url) + ": write http://, https:// or file://");
  url.erase(url.find_last_not_of('/') + 1);
  return url;
}

Result<PluginPins> MakePluginPins(std::string url, const std::map<std::string, std::string>& plugins) {
  PluginPins pins;
  CROMT_ASSIGN(pins.url, CheckRepositoryUrl(std::move(url)));
  if (plugins.size() > kMaxPlugins)
    return Fail(ErrorCode::kInvalid, fmt::format("{} plugins are pinned; {} may be", plugins.size(), kMaxPlugins));
  for (const auto& [name, text] : plugins) {
    CROMT_TRY(CheckName("the name of a plugin", name));
    CROMT_ASSIGN(pins.plugins[name], ParsePin(name, text));
  }
  return pins;
}

std::string ToVariable(const PluginPins& pins) {
  std::string text = pins.url;
  for (const auto& [name, pin] : pins.plugins)
    text += fmt::format("\n{} {} {}{}", name, pin.version, kDigestPrefix, pin.sha256);
  return text;
}

Result<PluginPins> FromVariable(std::string_view text) {
  if (text.empty()) return PluginPins{};
  const size_t first_end = std::min(text.find('\n'), text.size());
  std::string url(text.substr(0, first_end));
  std::map<std::string, std::string> plugins;
  for (text.remove_prefix(first_end); !text.empty();) {
    text.remove_prefix(1);  // the line end
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t blank = std::min(line.find(' '), line.size());
    plugins[std::string(line.substr(0, blank))] = line.substr(std::min(blank + 1, line.size()));
    text.remove_prefix(end);
  }
  auto pins = MakePluginPins(std::move(url), plugins);
  if (!pins) return Fail(kPluginRepositoryVariable, std::move(pins).error());
  return pins;
}

}  // namespace cromt::step
