#include "io/disk/watch.h"

#include <pthread.h>
#include <sys/statvfs.h>

namespace cromt {

DiskUse UseOfDisk(const std::string& dir) {
  struct statvfs disk {};
  if (statvfs(dir.c_str(), &disk) != 0) return {UINT64_MAX / 2, 0};
  return {uint64_t{disk.f_bavail} * disk.f_frsize, uint64_t{disk.f_blocks - disk.f_bfree} * disk.f_frsize};
}

DiskWatch::DiskWatch(std::string dir, DiskLimits limits, std::function<void(const Told&)> changed)
    : dir_(std::move(dir)), changed_(std::move(changed)), guard_(limits) {
  (void)Look();  // so that what is so from the beginning is known from there on
  thread_ = std::thread([this] { Run(); });
}

DiskWatch::~DiskWatch() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

DiskWatch::Told DiskWatch::Look() {
  const DiskUse use = UseOfDisk(dir_);
  MutexLock lock(mutex_);
  const DiskState before = guard_.state();
  Told told{guard_.Look(use), {}};
  if (told.state != DiskState::kOk) told.text = DiskText(use, dir_);
  if (told.state != before) changed_(told);
  return told;
}

void DiskWatch::Run() {
  ::pthread_setname_np(::pthread_self(), "disk");
  for (;;) {
    {
      MutexLock lock(mutex_);
      const Mono until = SystemClock().Read().mono + kEach;
      for (Mono now = SystemClock().Read().mono; !stopping_ && now < until; now = SystemClock().Read().mono)
        wake_.wait_for(mutex_, until - now);
      if (stopping_) return;
    }
    (void)Look();
  }
}

}  // namespace cromt
