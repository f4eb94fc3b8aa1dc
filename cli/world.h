// What a command can see of where it runs. main.cc fills it from the system, tests make their own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "cli/interrupts.h"
#include "cli/terminal_size.h"
#include "cli/writer.h"

namespace cromt::cli {

// Nothing is owned; all of it outlives the command.
struct World {
  Writer& out;
  Writer& err;
  Interrupts& interrupts;
  const Clock& clock;
  Random& random;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int input = 0;  // descriptor of standard input
  bool input_is_terminal = false;
  uint32_t columns = 80;                                                        // of the terminal
  std::function<TerminalSize()> terminal_size = [] { return TerminalSize(); };  // of standard error's, as it is now
  std::function<std::optional<std::string>(const std::string& name)> variable;  // of the environment
  std::string user;                          // the system's name of the caller: the author of what is asked
  std::string directory;                     // the current one, absolute
  std::string boot;                          // the kernel's id of this start of the host
  Duration retry_pause = milliseconds(500);  // before a connection that broke is tried again
  std::string system_socket = "/run/cromt/coordinator.sock";
};

}  // namespace cromt::cli
