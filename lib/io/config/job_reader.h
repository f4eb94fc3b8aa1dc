// Reads jobs.yaml into a checked JobFile, or into everything that is wrong with it, each with its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/job_file.h"

namespace cromt {

struct JobFileReading {
  std::optional<JobFile> file;          // only where there is no error
  std::vector<Diagnostic> diagnostics;  // errors, warnings, notes; by position
};

// `name` is what messages call the text.
JobFileReading ReadJobFile(std::string text, const std::string& name);

// Reads the file at `path`. The error is about the file itself: kNotFound if there is none; above 16 MiB kExhausted.
Result<JobFileReading> LoadJobFile(const std::string& path);

}  // namespace cromt
