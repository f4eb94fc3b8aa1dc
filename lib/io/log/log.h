// What a program says to its operator: one line an event, to stderr; where that is the journal, a message with fields:
// PRIORITY, CROMT_PROGRAM and those of Always. By hand the line has its own time. Not for jobs' output. Thread-safe.
#pragma once

#include <string>

namespace cromt::log {

// Call once, before threads start: `program` begins each line.
void Init(const std::string& program);
// From now on each message has this field in the journal: `name` is A-Z and _.
void Always(const std::string& name, const std::string& value);
void Info(const std::string& message);
void Warn(const std::string& message);
void Error(const std::string& message);

}  // namespace cromt::log
