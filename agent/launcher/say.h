// The launcher's own words: to stderr, which is the journal under systemd and DIR/launcher.log when detached.
// Few: what an operator may have to act on, never a line a task.
#pragma once

#include <string_view>

namespace cromt::launcher {

// "TIME cromt-launcher: TEXT\n" in one write. What can't be written is lost.
void Say(std::string_view text);

}  // namespace cromt::launcher
