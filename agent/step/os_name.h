// The name of the system as Sparrow tasks know it ($os): debian, ubuntu, alpine, fedora, archlinux, amazon, centos7 …
#pragma once

#include <string>
#include <string_view>

namespace cromt::step {

// From the text of an os-release file; "linux" when it names nothing.
std::string OsNameFrom(std::string_view os_release);

// Of the system (or container) that we run in.
std::string OsName();

}  // namespace cromt::step
