// Keeps an agent a member: gives it a new certificate when two thirds of the old one's time are over.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/member.h"
#include "base/thread_annotations.h"

namespace cromt {
namespace rpc {
class Tls;
}

// One thread of its own, which looks once an hour; blocks nobody.
class Renewal {
 public:
  Renewal(Member member, MemberFiles files, std::shared_ptr<rpc::Tls> tls,
          std::function<void(const std::string&)> warn);
  ~Renewal();

 private:
  void Run() CROMT_EXCLUDES(mutex_);
  bool RenewIfDue();

  const Member member_;
  const MemberFiles files_;
  const std::shared_ptr<rpc::Tls> tls_;
  const std::function<void(const std::string&)> warn_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cromt
