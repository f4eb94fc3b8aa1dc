#include "io/process/workers.h"

#include <pthread.h>

#include <utility>

namespace cromt {

Workers::~Workers() {
  stop_.request_stop();
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    line_.clear();
    threads = std::move(threads_);
    changed_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void Workers::Do(Work work) {
  MutexLock lock(mutex_);
  if (stop_.stop_requested()) return;
  line_.push_back(std::move(work));
  if (idle_ < line_.size() && threads_.size() < most_) threads_.emplace_back([this] { Run(); });
  changed_.notify_one();
}

void Workers::Run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  for (;;) {
    Work work;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (!stop_.stop_requested() && line_.empty()) changed_.wait(mutex_);
      --idle_;
      if (stop_.stop_requested()) return;
      work = std::move(line_.front());
      line_.pop_front();
    }
    work(stop_.get_token());
  }
}

}  // namespace cromt
