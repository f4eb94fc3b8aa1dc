// Checks the values of keys whose behaviour is not built yet, so that a file that loads today loads then.
#pragma once

#include "io/config/job_keys.h"
#include "io/config/yaml_tree.h"

namespace cromt {

// Adds an error, at its place, for what `key` can't be. REQUIRES: key.shape is not kOwn.
void CheckShape(const JobKey& key, YamlNode value, Diagnostics& diagnostics);

// False where the value says what holds anyway: nothing, an empty list or map, `trigger: false`, `branch: HEAD`.
bool HasEffect(const JobKey& key, YamlNode value);

}  // namespace cromt
