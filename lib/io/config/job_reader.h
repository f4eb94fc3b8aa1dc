// Reads jobs.yaml into a checked JobFile, or into everything that is wrong with it, each with its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/job_file.h"
#include "core/zone.h"

namespace cromt {

struct JobFileReading {
  std::optional<JobFile> file;          // only where there is no error
  std::vector<Diagnostic> diagnostics;  // errors, warnings, notes; by position
};

// `name` is what messages call the text. A `timezone` that `zone_check` does not know is an error, one of which it
// can't tell a warning. Unless told otherwise it need only look like one: so a file that was taken once is read again,
// whatever this host has lost since.
JobFileReading ReadJobFile(std::string text, const std::string& name, const ZoneCheck& zone_check = CheckZoneName);

// Reads the file at `path`. The error is about the file itself: kNotFound if there is none; above 16 MiB kExhausted.
Result<JobFileReading> LoadJobFile(const std::string& path, const ZoneCheck& zone_check = CheckZoneName);

}  // namespace cromt
