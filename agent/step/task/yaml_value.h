// YAML as a value: the defaults of a task (config.yaml). Plain scalars that look like a number, true, false or null are
// that, as in YAML 1.2; everything else is text. Pure.
#pragma once

#include <string>

#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

// An empty text is an empty map. kInvalid, "FILE:LINE:COL: …": the first of what is wrong, in one line; anything but a
// map.
Result<Map> ParseYamlMap(std::string text, const std::string& file);

}  // namespace cromt::step
