// Used by the planner only: what one task does and where its url points, from its project and its effective overrides.
// Here the templates of the job file are filled in. Pure; each call is linear in what it returns.
#pragma once

#include <string>

#include "core/job_file.h"

namespace cromt {

// kInvalid with the project's place in `file` for a template that can't be filled in, or gives what may not stand
// there, and for variables over 1 MB.
Result<TaskSpec> MakeSpec(const std::string& file, const Project& project, const Overrides& set);

// Likewise. REQUIRES: set.url_template is not empty.
Result<AgentAddress> FillUrl(const std::string& file, const Project& project, const Overrides& set);

}  // namespace cromt
