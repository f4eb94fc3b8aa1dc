// What a run of `cromt run` was started with: kept in its directory, so that `--resume` asks for none of it again.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace cromt::cli {

struct RunOrigin {
  std::string config;  // the text of its --config, as it was then; empty = none
  bool insecure = false;
  uint32_t slots = 0;            // of the embedded agent; 0 = its default
  std::optional<Mono> deadline;  // of its --timeout; in the boot in which the run was started
  bool secrets = false;          // it was given some, which are kept nowhere
};

// Written once, before anything of the run begins, for the user alone: DIR/started-with.json. Not synced: nothing is
// resumed after a crash of the host.
Status WriteRunOrigin(const std::string& dir, const RunOrigin& origin);
// kNotFound: there is none. kCorrupt: it is no such file.
Result<RunOrigin> ReadRunOrigin(const std::string& dir);

}  // namespace cromt::cli
