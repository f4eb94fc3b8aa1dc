// A small text file, such as an id that is kept. Never fails. Any thread.
#pragma once

#include <fstream>
#include <string>

namespace cromt {

// Without its end; empty where there is no such file, too.
inline std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace cromt
