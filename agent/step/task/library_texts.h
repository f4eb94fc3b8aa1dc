// The files of lib/, made part of the program by the build.
#pragma once

#include <string_view>

namespace cromt::step {

extern const std::string_view kLibraryBash;
extern const std::string_view kLibraryPerl;
extern const std::string_view kLibraryPhp;
extern const std::string_view kLibraryPowershell;
extern const std::string_view kLibraryPython;
extern const std::string_view kLibraryRaku;
extern const std::string_view kLibraryRuby;
extern const std::string_view kLibrarySh;

}  // namespace cromt::step
