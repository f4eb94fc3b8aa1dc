// The languages of Sparrow tasks: how their files are called, and what runs them.
#pragma once

#include <span>
#include <string_view>

namespace cromt::step {

enum class Language { kRaku, kPerl, kBash, kSh, kGo, kRuby, kPython, kPowershell, kPhp };

struct LanguageFacts {
  Language language;
  std::string_view extension;
  std::string_view program;  // found in PATH
  std::string_view package;  // whose it is, for people; empty = every system has it
};

// One entry an extension, in the order in which Sparrow looks for files, sh behind bash.
std::span<const LanguageFacts> Languages();
const LanguageFacts& FactsOf(Language language);

}  // namespace cromt::step
