// What config() gives to scenarios, as tom has it: .tom/env/config.raku, or config.NAME.raku of a chosen environment,
// over config.any.raku. Reads the repository only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/step/repository.h"
#include "agent/step/scenario/host.h"
#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

struct JobConfig {
  Map values;
  std::vector<std::string> sources;  // lines for people: "load configuration from …"
};

// `environment` is a name, or empty: the one that .tom/env/current names, else the default. Files that aren't there
// give nothing; where none is, SP6_CONFIG may name another of the repository. Errors are "FILE:LINE:COL: …", or why a
// file can't be read.
//
// `read` gives the value of such a file, of its text.
using ReadConfigFile = std::function<Result<Map>(const std::string& file, const std::string& text)>;
Result<JobConfig> ReadJobConfig(const Repository& repository, const std::string& environment, ScenarioHost& host,
                                const ReadConfigFile& read);

}  // namespace cromt::step
