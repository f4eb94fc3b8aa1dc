#include "agent/launcher/say.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/time.h"

namespace cromt::launcher {

void Say(std::string_view text) {
  std::string line = fmt::format("{} cromt-launcher: {}\n", FormatRfc3339(SystemClock().Read().wall), text);
  [[maybe_unused]] ssize_t ignored = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace cromt::launcher
