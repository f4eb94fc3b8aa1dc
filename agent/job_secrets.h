// How a job gets its secrets: variables, and files in a folder of its slot's own. What is written here is removed with
// all else of the slot (agent/workspaces.h). Any thread; blocks for a few files.
#pragma once

#include <string>
#include <vector>

#include "agent/launcher/protocol.h"
#include "base/result.h"
#include "core/queue.h"

namespace cromt {

bool HasSecretFiles(const TaskSpec& spec);

// Of a job on the host itself: sets its variables, writes its files to `dir`, which then is the job's user's alone, and
// has the launcher hide all values in its output. Nothing for a task without secrets.
// REQUIRES: the attempt has all values (core/secret.h, CheckDelivered); `start` is complete.
Status GiveSecrets(launcher::Start& start, const QueuedAttempt& attempt, const std::string& dir);

// "NAME=value" for each that is a variable; where some are files also CROMT_SECRETS, which tells `dir`.
std::vector<std::string> SecretVariables(const QueuedAttempt& attempt, const std::string& dir);

// Has the launcher hide their values.
void HideSecrets(launcher::Start& start, const QueuedAttempt& attempt);

// For a container, whose job may be anybody in it: the files in the folder `dir`, and the variables, each with a NUL
// behind it, in the file `variables`. All who reach these may read them. REQUIRES: only the container does.
Status WriteSecretsForContainer(const QueuedAttempt& attempt, const std::string& dir, const std::string& seen_dir,
                                const std::string& variables);

}  // namespace cromt
