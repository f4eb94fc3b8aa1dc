#include "agent/job_users.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/name.h"

namespace cromt {
namespace {

// The user's own settings laid over `own`; kNotFound if there is no such user.
Result<JobSettings> LookUp(const std::string& name, const JobSettings& own) {
  std::vector<char> buffer(1 << 16);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found)
    return Fail(ErrorCode::kNotFound, error == 0 ? fmt::format("this host has no user {}", Quote(name))
                                                 : ErrnoError("looking up the user " + name, error).message);
  JobSettings settings = own;
  settings.user = name;
  settings.home = entry.pw_dir;
  settings.shell = *entry.pw_shell ? entry.pw_shell : "/bin/sh";
  if (entry.pw_uid == ::geteuid()) return settings;
  launcher::JobUser become{.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = {}};
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  while (::getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0 && groups.size() < (1 << 16))
    groups.resize(static_cast<size_t>(count = std::max(count, static_cast<int>(2 * groups.size()))));
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  become.groups.assign(groups.begin(), groups.end());
  settings.become = std::move(become);
  return settings;
}

}  // namespace

Result<JobUsers> JobUsers::Open(UserPolicy policy, JobSettings own) {
  JobUsers users(std::move(policy), "");
  users.own_user_ = own.user;
  users.job_user_ = users.policy_.job_user.empty() ? own.user : users.policy_.job_user;
  users.settings_.emplace(own.user, std::move(own));
  if (users.settings_.contains(users.job_user_)) return users;
  CROMT_ASSIGN(JobSettings settings, LookUp(users.job_user_, users.settings_.at(users.own_user_)));
  if (settings.become && ::geteuid() != 0)
    return Fail(ErrorCode::kInvalid,
                fmt::format("job_user: only an agent that is root can run jobs as {}; this one is {}", users.job_user_,
                            users.own_user_));
  users.settings_.emplace(users.job_user_, std::move(settings));
  return users;
}

Result<const JobSettings*> JobUsers::For(const std::string& user) {
  const std::string& name = user.empty() ? job_user_ : user;
  const auto& may = policy_.run_as;
  if (name != job_user_ && std::find(may.begin(), may.end(), name) == may.end() &&
      std::find(may.begin(), may.end(), "*") == may.end())
    return Fail(
        ErrorCode::kDenied,
        fmt::format("user: {} is not what this agent allows; its configuration would, by run_as: [{}]", name, name));
  if (auto known = settings_.find(name); known != settings_.end()) return &known->second;
  CROMT_ASSIGN(JobSettings settings, LookUp(name, settings_.at(own_user_)));
  if (settings.become && ::geteuid() != 0)
    return Fail(ErrorCode::kDenied,
                fmt::format("user: only an agent that is root can run jobs as {}; this one is {}", name, own_user_));
  return &settings_.emplace(name, std::move(settings)).first->second;
}

const JobSettings& JobUsers::Known(const std::string& user) {
  const auto settings = For(user);
  return settings ? **settings : of_job_user();
}

Sandbox JobUsers::SandboxOf(const Confinement& confinement) const {
  return std::max(confinement.sandbox, policy_.least);
}

}  // namespace cromt
