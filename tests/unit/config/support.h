// What the tests of this folder say in a line: read this text, here is all it said.
#pragma once

#include <string>

#include "io/config/job_reader.h"

namespace cromt {

// Every diagnostic of `text`, one a line, the file called "f".
inline std::string Said(const std::string& text) {
  std::string out;
  for (const Diagnostic& d : ReadJobFile(text, "f").diagnostics) out += ToString(d) + "\n";
  return out;
}

}  // namespace cromt
