// Reads `container`, `sparrowdo` and `resources` of a job file. What is wrong goes to the diagnostics with its place.
#pragma once

#include <vector>

#include "core/container.h"
#include "core/job_file.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

// Each lays what it reads on top of `keys`. `value` may be anything; nothing at all, and an empty map, say nothing.
void ReadContainer(YamlNode value, ContainerKeys& keys, Diagnostics& diagnostics);
// What has no meaning here gets a warning, and so has what is not built yet, which goes to `unbuilt`.
void ReadSparrowdo(YamlNode value, ContainerKeys& keys, Diagnostics& diagnostics);
void ReadResources(YamlNode value, ContainerKeys& keys, std::vector<Unbuilt>& unbuilt, Diagnostics& diagnostics);

}  // namespace cromt
