// How large a terminal is.
#pragma once

#include <cstddef>

namespace cromt::cli {

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

}  // namespace cromt::cli
