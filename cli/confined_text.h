// In what a task runs, in words. Clean (clean_text.h), and empty for one that runs on its host as it likes. Pure; any
// thread.
#pragma once

#include <string>

#include "core/control.h"

namespace cromt::cli {

// "debian:12, network none, memory 512.0 MiB": the image, then what was said of it; "user deploy, strict".
std::string ConfinedText(const ConfinedView& confined);

}  // namespace cromt::cli
