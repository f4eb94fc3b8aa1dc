// As whom the jobs of this agent may run, by its configuration and the host's user database. Used by one thread: asking
// for a user for the first time reads that database.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/launch_command.h"
#include "base/result.h"

namespace cromt {

struct UserPolicy {
  std::string job_user;             // empty = the agent's own user
  std::vector<std::string> run_as;  // whom a job may ask for besides; "*" = anybody
  Sandbox least = Sandbox::kOff;    // no job is confined less
  bool names_others() const { return !job_user.empty() || !run_as.empty(); }
};

class JobUsers {
 public:
  // `own` is what jobs of this process's user get. kInvalid if there is no such job user, or this process, which is not
  // root, can't become it.
  static Result<JobUsers> Open(UserPolicy policy, JobSettings own);

  // What a job gets that asks for this; lives as long as this. kDenied for a user that the policy does not name,
  // kNotFound for one that the host does not have.
  Result<const JobSettings*> For(const std::string& user);
  // For what the queue has taken already and prepared: as For, and where that has failed since, of the job user.
  const JobSettings& Known(const std::string& user);
  const JobSettings& of_job_user() const { return settings_.at(job_user_); }
  Sandbox SandboxOf(const Confinement& confinement) const;

 private:
  JobUsers(UserPolicy policy, std::string job_user) : policy_(std::move(policy)), job_user_(std::move(job_user)) {}

  UserPolicy policy_;
  std::string own_user_;
  std::string job_user_;
  std::map<std::string, JobSettings> settings_;  // by name
};

}  // namespace cromt
