// What this host is called.
#pragma once

#include <string>

namespace cromt {

// As the host itself has it; at most 255 bytes.
std::string HostName();

}  // namespace cromt
