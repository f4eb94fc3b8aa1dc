// What goes wrong below a call, as people say it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cromt::rpc {

// gRPC's own words in plain ones; any other text, as that of an error number of the kernel's, too, or else as it is.
std::string PlainWords(std::string_view message);

}  // namespace cromt::rpc
