// `cromt run --resume`: goes on with a run whose `cromt run` was killed.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/exit_code.h"
#include "cli/follow_run.h"
#include "cli/session.h"

namespace cromt::cli {

// `word` is an id, a unique prefix of one, or "last". The run's embedded programs are started again on what they have
// kept; its output is shown from the beginning. `timeout` counts from now; without one, what the run was started with
// goes on counting. A run that has ended already is told like that, with the exit code that it deserves.
// kNotFound; kInvalid (ambiguous); kConflict: another process works on it.
// `secrets`: given again, since a run keeps none. kInvalid where it was started with some and now there are none.
using GivenSecrets = std::optional<std::vector<std::pair<std::string, std::string>>>;
Result<ExitCode> ResumeRun(Session& session, const std::string& word, std::optional<Duration> timeout,
                           GivenSecrets secrets);

// How a run of our own is followed: by whom it was started, or who has resumed it.
FollowWish WishHere(const RunId& run, std::optional<Duration> timeout);

}  // namespace cromt::cli
