// YAML as a value: the defaults of a task (config.yaml). Plain scalars are what YAMLish, Sparrow's reader, makes of
// them: yes, no, on, off, y and n are truth values like true and false, in any case; 007 is a text. Pure.
#pragma once

#include <string>

#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

// An empty text is an empty map. kInvalid, "FILE:LINE:COL: …": the first of what is wrong, in one line; anything but a
// map.
Result<Map> ParseYamlMap(std::string text, const std::string& file);

}  // namespace cromt::step
