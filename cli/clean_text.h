// Text of a job, a file or another program as part of a line of ours: titles, hosts, reasons. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cromt::cli {

// `text` on one line and harmless for a terminal: newlines and tabs become blanks, other control characters are shown
// in caret notation ("^["), C1 and broken UTF-8 as U+FFFD. No colours pass.
std::string Clean(std::string_view text);

// Characters of `text`, which is UTF-8: what it takes on a terminal, as long as it holds no wide ones.
size_t Width(std::string_view text);

// The first characters of `text`, with "…" as the last where it is longer. REQUIRES: width > 0.
std::string Shorten(std::string_view text, size_t width);

}  // namespace cromt::cli
