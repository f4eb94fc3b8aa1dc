#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>

#include "agent/doctor/checks.h"
#include "agent/launcher/cgroup_mount.h"
#include "agent/launcher/proc_file.h"

namespace cromt::doctor {
namespace {

constexpr const char* kDelegate =
    "run the agent as the package's services do: a unit with Delegate=yes; or name a group of its own with --cgroup";

// Where the launcher makes its groups: beside the leaf that it has moved into, where it is a service.
std::string Divided(const std::string& own) {
  constexpr std::string_view kLeaf = "/launcher";
  return own.ends_with(kLeaf) ? own.substr(0, own.size() - kLeaf.size()) : own;
}

// By which version of control groups jobs can be limited so; "" = by none. `v2` is the group that is divided.
std::string Limits(const char* controller, const std::string& v2, const std::string& process) {
  const std::string given = " " + launcher::ReadProcFile((v2 + "/cgroup.controllers").c_str());
  for (const char* end : {" ", "\n"})
    if (!v2.empty() && given.find(fmt::format(" {}{}", controller, end)) != given.npos) return "v2";
  auto v1 = launcher::OwnCgroup(controller, process);
  return v1 && ::access(v1->c_str(), W_OK) == 0 ? "v1" : "";
}

}  // namespace

Finding CheckGroups(const std::string& group, pid_t launcher, bool needed) {
  constexpr const char* kCheck = "control groups";
  if (group == "none")
    return Warning(kCheck, "cgroup: none: what a job leaves behind is found by its environment alone",
                   "leave out cgroup");
  const std::string process = launcher > 0 ? std::to_string(launcher) : "self";
  auto own = group.empty() ? launcher::OwnCgroup("", process) : Result<std::string>(group);
  const std::string v2 = own ? Divided(*own) : "";
  if (v2.empty() || ::access(v2.c_str(), W_OK) != 0)
    return Warning(kCheck,
                   "no group of version 2 can be made: " + (own ? v2 + " can't be written" : own.error().message),
                   kDelegate);
  if (::access((v2 + "/cgroup.events").c_str(), F_OK) == 0 && ::access((v2 + "/cgroup.kill").c_str(), F_OK) != 0)
    return Warning(kCheck, "the kernel is older than 5.14 and can't end a group as a whole", "take a newer kernel");
  std::string missing, found;
  for (const char* controller : {"memory", "cpu", "pids"}) {
    const std::string version = Limits(controller, v2, process);
    std::string& list = version.empty() ? missing : found;
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", controller, version == "v1" ? " (v1)" : "");
  }
  if (missing.empty()) return Ok(kCheck, fmt::format("{} can be limited in {}", found, v2));
  const std::string says = fmt::format("{} is not given {}: jobs with such a limit will not begin", v2, missing);
  return needed ? Problem(kCheck, says, kDelegate) : Warning(kCheck, says, kDelegate);
}

Finding CheckSandbox(Sandbox least) {
  constexpr const char* kCheck = "sandbox";
  const std::string most = launcher::ReadProcFile("/proc/sys/user/max_user_namespaces");
  const std::string cloned = launcher::ReadProcFile("/proc/sys/kernel/unprivileged_userns_clone");
  const bool none = most == "0\n" || (cloned == "0\n" && ::geteuid() != 0);
  if (!none) return Ok(kCheck, "user namespaces may be made, as strict ones need");
  const std::string says = "user namespaces may not be made: jobs in a strict sandbox will not begin";
  const std::string remedy =
      most == "0\n" ? "sysctl user.max_user_namespaces=10000" : "sysctl kernel.unprivileged_userns_clone=1";
  return least == Sandbox::kStrict ? Problem(kCheck, says, remedy) : Warning(kCheck, says, remedy);
}

Finding CheckClock() {
  constexpr const char* kCheck = "clock";
  timex state{};
  const int result = ::adjtimex(&state);
  if (result < 0) return Warning(kCheck, "whether it is right is not known here", "");
  if (result == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    return Warning(kCheck, "nothing keeps it right: times of different hosts won't fit together",
                   "apt-get install systemd-timesyncd, or chrony");
  return Ok(kCheck, fmt::format("kept right, to within {} ms", state.maxerror / 1000));
}

Finding CheckOpenFiles(uint32_t slots) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = std::max<rlim_t>(4096, rlim_t{slots} * 8);
  if (limit.rlim_max >= wanted) return Ok("open files", fmt::format("at most {}", limit.rlim_max));
  return Warning("open files", fmt::format("at most {}, which may not do for all slots", limit.rlim_max),
                 fmt::format("LimitNOFILE={} in the agent's and the launcher's unit", wanted));
}

}  // namespace cromt::doctor
