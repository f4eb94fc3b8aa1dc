// DSL.rakumod, made part of the program by the build.
#pragma once

#include <string_view>

namespace cromt::step {

extern const std::string_view kRakudoModule;

}  // namespace cromt::step
