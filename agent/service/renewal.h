// Keeps an agent a member: gets it a new certificate when two thirds of the old one's time are over, and when the mesh
// goes from one authority to another.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/member.h"
#include "agent/service/membership_client.h"
#include "base/thread_annotations.h"

namespace cromt {
namespace rpc {
class Tls;
}

// One thread of its own, which looks once an hour and when it has heard something; blocks nobody.
class Renewal {
 public:
  Renewal(Member member, MemberFiles files, std::shared_ptr<rpc::Tls> tls,
          std::function<void(const std::string&)> warn);
  ~Renewal();

  // Fingerprints of the authorities that the coordinator says are believed, of the one that signs first. Any thread.
  void Heard(std::vector<std::string> authorities) CROMT_EXCLUDES(mutex_);

 private:
  void Run() CROMT_EXCLUDES(mutex_);
  Status Renew() CROMT_EXCLUDES(mutex_);
  Status Take(const Renewed& renewed, bool at_once) CROMT_EXCLUDES(mutex_);
  Result<bool> FollowsAuthorities(const std::string& identity) CROMT_EXCLUDES(mutex_);
  bool StopComesWithin(Duration pause, bool or_news) CROMT_EXCLUDES(mutex_);

  const Member member_;
  const MemberFiles files_;
  const std::shared_ptr<rpc::Tls> tls_;
  const std::function<void(const std::string&)> warn_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  std::vector<std::string> heard_ CROMT_GUARDED_BY(mutex_);
  bool news_ CROMT_GUARDED_BY(mutex_) = false;  // that nobody has looked at
  std::thread thread_;
};

}  // namespace cromt
