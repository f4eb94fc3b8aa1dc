// Which start of the host this is.
#pragma once

#include <string>

namespace cromt {

// The kernel's id of this boot; another one after each. Empty where there is no /proc.
std::string BootId();

}  // namespace cromt
