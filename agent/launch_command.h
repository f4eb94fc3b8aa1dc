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
  std::string agent_mark;    // with what CROMT_ATTEMPT_MARK begins: AgentMark
  std::string home, user, shell;
  Variables env;  // the agent's configured `env`
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string lang = "C.UTF-8";
  std::string timezone;                     // TZ; "" = not set
  Resources limits;                         // that no job exceeds, whatever it asks for
  std::optional<launcher::JobUser> become;  // whom the launcher has to make it; none = its own user
  bool of_image = false;                    // PATH, USER, SHELL and the like are as the container's image has them
};

// This and the slot's number: the group of jobs that this process makes another user in that slot, which alone may
// enter its workspace. From a range that no system uses (systemd's "Users, Groups, UIDs and GIDs").
inline constexpr uint32_t kFirstSlotGroup = 2'000'000'000;

// HOME, USER and SHELL of the user that this process runs as; LANG and TZ of its own environment.
JobSettings OwnJobSettings(std::string step_program);

// CROMT_ATTEMPT_MARK of every process of the attempt is this and MarkOf: no other has the same. It is the same for all
// that have been installed as this agent in this directory, one after the other.
std::string AgentMark(const AgentId& agent, const std::string& data_dir);
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

// Has the job run as `settings` say and in this sandbox. REQUIRES: it runs on the host itself.
void Confine(launcher::Start& start, const JobSettings& settings, Sandbox sandbox, const std::string& workspace,
             const std::string& script_file);

}  // namespace cromt
