#include "agent/launch_command.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/host_gaps.h"
#include "core/script.h"
#include "io/blob/sha256.h"

namespace cromt {
namespace {

std::string EnvOr(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value && *value ? value : fallback;
}

std::string Expand(const std::string& directory, const std::string& home) {
  if (directory == "~") return home;
  if (directory.starts_with("~/")) return home + directory.substr(1);
  return directory;
}

std::vector<std::string> ArgvOf(const Work& work, const JobSettings& settings, const std::string& script_file) {
  if (const auto* command = std::get_if<Command>(&work)) return command->argv;
  if (const auto* script = std::get_if<Script>(&work)) {
    if (script_file.empty())
      if (auto argv = ScriptArgv(script->text)) return *argv;
    return std::get<Script>(work).text.starts_with("#!") ? std::vector{script_file}
                                                         : std::vector<std::string>{"/bin/sh", "-e", script_file};
  }
  std::vector<std::string> argv = {settings.step_program};
  const auto& [names, options] = std::get<Actions>(work);
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), names.begin(), names.end());
  return argv;
}

// What each job on this host gets; later settings of a name win.
Variables HostVariables(const JobSettings& settings) {
  if (settings.of_image) {
    Variables all = {{"HOME", settings.home}, {"LANG", settings.lang}};
    all.insert(all.end(), settings.env.begin(), settings.env.end());
    return all;
  }
  Variables all = {{"PATH", settings.path},    {"HOME", settings.home},   {"USER", settings.user},
                   {"LOGNAME", settings.user}, {"SHELL", settings.shell}, {"LANG", settings.lang},
                   {"TMPDIR", "/tmp"}};
  if (!settings.timezone.empty()) all.emplace_back("TZ", settings.timezone);
  all.insert(all.end(), settings.env.begin(), settings.env.end());
  return all;
}

std::optional<std::string> HostVariable(const JobSettings& settings, const std::string& name) {
  const Variables all = HostVariables(settings);
  for (auto variable = all.rbegin(); variable != all.rend(); ++variable)
    if (variable->first == name) return variable->second;
  if (const char* own = std::getenv(name.c_str())) return own;
  return std::nullopt;
}

}  // namespace

Result<std::shared_ptr<const TaskSpec>> FillHere(std::shared_ptr<const TaskSpec> spec, const JobSettings& settings) {
  if (spec->host_gaps.empty()) return spec;
  auto environment = [&](const std::string& name) { return HostVariable(settings, name); };
  CROMT_ASSIGN(TaskSpec filled, FillHostGaps(*spec, environment));
  return std::make_shared<const TaskSpec>(std::move(filled));
}

JobSettings OwnJobSettings(std::string step_program) {
  JobSettings settings;
  settings.step_program = std::move(step_program);
  const passwd* entry = getpwuid(geteuid());
  settings.user = entry ? entry->pw_name : EnvOr("USER", "nobody");
  settings.home = entry ? entry->pw_dir : EnvOr("HOME", "/");
  settings.shell = entry && *entry->pw_shell ? entry->pw_shell : "/bin/sh";
  settings.path = EnvOr("PATH", settings.path.c_str());
  settings.lang = EnvOr("LANG", settings.lang.c_str());
  settings.timezone = EnvOr("TZ", "");
  return settings;
}

std::string AgentMark(const AgentId& agent, const std::string& data_dir) {
  std::error_code error;  // then as it was given
  const std::filesystem::path whole = std::filesystem::canonical(data_dir, error);
  const std::string place = Sha256Hex(error ? data_dir : whole.string());  // jobs and their images see it
  return fmt::format("{}@{}:", agent.text(), std::string_view(place).substr(0, 16));
}

std::string MarkOf(const QueuedAttempt& attempt) {
  return attempt.mesh.text() + "/" + ToString(attempt.id);
}

std::string WorkingDirectory(const TaskSpec& spec, const JobSettings& settings, const std::string& workspace) {
  return spec.source.directory.empty() ? workspace : Expand(spec.source.directory, settings.home);
}

Result<launcher::Start> MakeStart(const QueuedAttempt& attempt, uint32_t slot, const JobSettings& settings,
                                  const std::string& workspace, const std::string& script_file) {
  CROMT_ASSIGN(const auto filled, FillHere(attempt.spec, settings));
  const TaskSpec& spec = *filled;
  launcher::Start start;
  start.log_id = attempt.ticket;
  start.mark = settings.agent_mark + MarkOf(attempt);
  start.argv = ArgvOf(spec.work, settings, script_file);
  start.cwd = WorkingDirectory(spec, settings, workspace);
  start.slot = slot;
  start.timeout_us = spec.timeout ? static_cast<uint64_t>(spec.timeout->count()) : 0;
  start.grace_us = static_cast<uint64_t>(spec.grace.count());
  start.log_limit_bytes = spec.log_limit_bytes;
  start.records = std::holds_alternative<Actions>(spec.work);
  const Resources limits = Least(spec.limits, settings.limits);
  start.limits = {static_cast<uint64_t>(limits.memory_bytes), limits.cpu_permille, limits.pids};

  // Later settings of a name win: the job's own variables come last.
  Variables all;
  if (spec.inherit_env)
    for (char** entry = environ; *entry; ++entry)
      if (const char* equals = std::strchr(*entry, '='))
        all.emplace_back(std::string(*entry, static_cast<size_t>(equals - *entry)), equals + 1);
  Variables base = HostVariables(settings);
  all.insert(all.end(), base.begin(), base.end());
  all.insert(all.end(), {{"CROMT_RUN", attempt.id.run.text()},
                         {"CROMT_PROJECT", spec.project},
                         {"CROMT_TASK", std::to_string(attempt.id.task + 1)},
                         {"CROMT_ATTEMPT", std::to_string(attempt.id.attempt)},
                         {"CROMT_HOST", attempt.host},
                         {"CROMT_WORKSPACE", workspace}});
  if (!spec.source.repository.empty())
    all.insert(
        all.end(),
        {{"SCM_SHA", spec.source.commit}, {"SCM_URL", spec.source.repository}, {"SCM_BRANCH", spec.source.branch}});
  all.insert(all.end(), spec.variables.begin(), spec.variables.end());
  start.env.reserve(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    bool set_again = false;
    for (size_t later = i + 1; later < all.size() && !set_again; ++later) set_again = all[later].first == all[i].first;
    if (!set_again) start.env.push_back(all[i].first + "=" + all[i].second);
  }
  return start;
}

void Confine(launcher::Start& start, const JobSettings& settings, Sandbox sandbox, const std::string& workspace,
             const std::string& script_file) {
  start.become = settings.become;
  if (start.become) start.become->groups.push_back(kFirstSlotGroup + start.slot);
  if (sandbox != Sandbox::kStrict) return;
  start.sandbox = launcher::Sandbox::kStrict;
  start.writable = {workspace};
  if (start.cwd != workspace) start.writable.push_back(start.cwd);
  start.readable = {settings.step_program};
  if (!script_file.empty()) start.readable.push_back(script_file);
}

}  // namespace cromt
