// From a task's spec to what the launcher executes: argument vector, exact environment, directory. Pure but for
// reading the password database once.
#pragma once

#include <string>
#include <vector>

#include "agent/launcher/protocol.h"
#include "core/queue.h"

namespace cromt {

// What every job of this agent gets.
struct JobSettings {
  std::string step_program;  // path of cromt-step
  std::string home, user, shell;
  Variables env;  // the agent's configured `env`
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string lang = "C.UTF-8";
  std::string timezone;   // TZ; "" = not set
  bool of_image = false;  // PATH, USER, SHELL and the like are as the container's image has them
};

// HOME, USER and SHELL of the user that this process runs as; LANG and TZ of its own environment.
JobSettings OwnJobSettings(std::string step_program);

// CROMT_ATTEMPT_MARK of every process of the attempt: no other has the same.
std::string MarkOf(const QueuedAttempt& attempt);

// Where the task works: the source's own directory where it has one, else `workspace`.
std::string WorkingDirectory(const TaskSpec& spec, const JobSettings& settings, const std::string& workspace);

// The spec with `${{ env.NAME }}` filled in: from what each job of this agent gets, else from the agent's own
// environment. kInvalid naming what there is not.
Result<std::shared_ptr<const TaskSpec>> FillHere(std::shared_ptr<const TaskSpec> spec, const JobSettings& settings);

// `workspace` is the slot's directory. The working directory is the source's own directory where it has one.
// `script_file` is where Prepare has put a script that must be executed from a file, else empty.
// kInvalid for what FillHere can't fill in.
Result<launcher::Start> MakeStart(const QueuedAttempt& attempt, uint32_t slot, const JobSettings& settings,
                                  const std::string& workspace, const std::string& script_file);

}  // namespace cromt
