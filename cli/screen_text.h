// Text by what it takes on a terminal, for lines that must never be longer than one. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cromt::cli {

// Columns of `text`, which is clean (clean_text.h). Characters that some terminals show wide count as two, combining
// ones as one: rather too much than too little.
size_t Columns(std::string_view text);

// Its first characters, as many as fit; with `more` ("…") as the end where it is longer.
std::string Fit(std::string_view text, size_t columns, std::string_view more);

// Fit, and blanks up to `columns`.
std::string Pad(std::string_view text, size_t columns, std::string_view more);

// What a job has printed, as part of a line of ours: escape sequences are dropped, not shown, the rest is clean.
std::string Plain(std::string_view text);

// Each character beyond ASCII as '?': for a terminal that does not know UTF-8.
std::string Ascii(std::string_view text);

}  // namespace cromt::cli
