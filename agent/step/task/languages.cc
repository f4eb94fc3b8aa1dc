#include "agent/step/task/languages.h"

#include <algorithm>
#include <array>

namespace cromt::step {
namespace {

constexpr auto kLanguages = std::to_array<LanguageFacts>({
    {Language::kRaku, "raku", "raku", "rakudo"},
    {Language::kRaku, "pl6", "raku", "rakudo"},
    {Language::kPerl, "pl", "perl", "perl"},
    {Language::kBash, "bash", "bash", "bash"},
    {Language::kSh, "sh", "sh", ""},
    {Language::kGo, "go", "go", "golang-go"},
    {Language::kRuby, "rb", "ruby", "ruby"},
    {Language::kPython, "py", "python3", "python3"},
    {Language::kPowershell, "ps1", "pwsh", "powershell"},
    {Language::kPhp, "php", "php", "php-cli"},
});

}  // namespace

std::span<const LanguageFacts> Languages() {
  return kLanguages;
}

const LanguageFacts& FactsOf(Language language) {
  return *std::find_if(kLanguages.begin(), kLanguages.end(),
                       [&](const LanguageFacts& facts) { return facts.language == language; });
}

}  // namespace cromt::step
