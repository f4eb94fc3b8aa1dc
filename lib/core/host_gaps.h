// `${{ env.NAME }}` on the host: the gaps of a task's texts filled from its environment. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

// `spec` without gaps. `environment` gives the value of a name, nullopt where the host has none: kInvalid, naming it,
// as for a value or an artifact's path that is not allowed once it is whole.
Result<TaskSpec> FillHostGaps(TaskSpec spec,
                              const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace cromt
