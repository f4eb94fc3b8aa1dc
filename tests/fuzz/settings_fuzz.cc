// The programs' YAML settings. Whatever the text: it gives settings, or an error each of whose lines names the file, a
// place within it, and what is wrong there.
#include <array>
#include <charconv>

#include "io/config/settings.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

constexpr auto kSpecs = std::to_array<SettingSpec>({{"listen", SettingKind::kText},
                                                    {"data-dir", SettingKind::kText},
                                                    {"slots", SettingKind::kNumber},
                                                    {"insecure", SettingKind::kFlag},
                                                    {"label", SettingKind::kList},
                                                    {"agents", SettingKind::kMap},
                                                    {"env", SettingKind::kMap},
                                                    {"git.rewrite", SettingKind::kMap},
                                                    {"git.timeout", SettingKind::kText}});

// The number at the front of `text` and what follows it, which must be a colon; 0 if there is none.
uint32_t TakeNumber(std::string_view& text) {
  uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return 0;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

// "f:3:5: error: …", or "f: error: …" where it is about the whole.
void CheckLine(std::string_view text, std::string_view line) {
  RequireShowable(line);
  Require(line.starts_with("f:"), "an error names the file", line);
  std::string_view rest = line.substr(2);
  Position at;
  if (!rest.starts_with(' ')) at = {TakeNumber(rest), TakeNumber(rest)};
  Require(rest.starts_with(" error: "), "an error has a place, or is about the file", line);
  RequireWithin(text, at);
}

void CheckValues(const Settings& settings) {
  for (const SettingSpec& spec : kSpecs)
    if (spec.kind == SettingKind::kNumber && settings.Text(spec.key))
      Require(settings.Number(spec.key).has_value(), "a number that is set has a value");
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  std::string_view text = Text(data, size);
  auto settings = cromt::ReadSettings(std::string(text), "f", kSpecs);
  if (settings) {
    CheckValues(*settings);
    return 0;
  }
  std::string_view rest = settings.error().message;
  Require(!rest.empty(), "a refusal says why");
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    CheckLine(text, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}
