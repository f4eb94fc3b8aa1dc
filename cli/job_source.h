// A job file as a command reads it: its text, to be applied, and what stands in it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/messages.h"
#include "cli/world.h"
#include "core/job_file.h"

namespace cromt::cli {

struct JobSource {
  std::string path;  // absolute, as the user named it
  std::string text;
  JobFile file;
};

// kInvalid with all its errors, one a line, each with its place, and as kInvalid too whatever is wrong with the file
// itself. Warnings are not shown: who applies the file gets them with the answer.
Result<JobSource> ReadJobSource(const std::string& name, const World& world);

// `name` as an absolute path, links as they are.
std::string AbsolutePath(const std::string& name, const World& world);

// The project named `wanted`, or the file's only one where it is empty. kInvalid listing the projects there are.
Result<uint32_t> FindProject(const JobFile& file, const std::string& wanted);

// kInvalid with a line for each key that a run of the project would need and that is not built yet.
Status CheckStartable(const JobFile& file, uint32_t project);

}  // namespace cromt::cli
