// The files of builtin/, made part of the program by the build.
#pragma once

#include <span>
#include <string_view>

namespace cromt::step {

struct BuiltinFile {
  std::string_view path;  // "bash/task.bash"
  std::string_view text;
};

std::span<const BuiltinFile> BuiltinFiles();

}  // namespace cromt::step
