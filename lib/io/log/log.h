// What a program says to its operator: one line an event, to stderr (journald adds time and unit; by hand the line has
// its own time). Not for jobs' output. Thread-safe.
#pragma once

#include <string>

namespace cromt::log {

// Call once, before threads start: `program` begins each line.
void Init(const std::string& program);
void Info(const std::string& message);
void Warn(const std::string& message);
void Error(const std::string& message);

}  // namespace cromt::log
