#include "agent/launcher/poller.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cromt::launcher {
namespace {

constexpr int kMaxReady = 256;

}  // namespace

Result<Poller> Poller::Create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return tl::unexpected(ErrnoError("epoll_create1", errno));
  return Poller(std::move(epoll));
}

bool Poller::Add(int fd, uint32_t events, void* who) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::Modify(int fd, uint32_t events, void* who) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::Remove(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const Poller::Ready> Poller::Wait(bool wait) {
  std::array<epoll_event, kMaxReady> events;
  int count = epoll_wait(epoll_.get(), events.data(), kMaxReady, wait ? -1 : 0);
  ready_.clear();
  for (int i = 0; i < count; ++i) ready_.push_back({events[i].data.ptr, events[i].events});
  return ready_;
}

Result<Timers> Timers::Create() {
  UniqueFd timer(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) return tl::unexpected(ErrnoError("timerfd_create", errno));
  return Timers(std::move(timer));
}

void Timers::Set(Key key, Mono at) {
  if (auto old = by_key_.find(key); old != by_key_.end()) {
    by_time_.erase({old->second, key});
    by_key_.erase(old);
  }
  if (at == Mono::max()) return;
  by_key_.emplace(key, at);
  by_time_.emplace(at, key);
  Arm();
}

void Timers::Arm() {
  if (by_time_.empty() || by_time_.begin()->first >= armed_) return;
  armed_ = by_time_.begin()->first;
  int64_t us = std::max<int64_t>(Micros(armed_), 1);  // 0 would disarm
  itimerspec spec{};
  spec.it_value = {us / 1'000'000, us % 1'000'000 * 1000};
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

std::vector<Timers::Key> Timers::TakeDue(Mono now) {
  uint64_t expirations = 0;
  [[maybe_unused]] ssize_t ignored = read(timer_.get(), &expirations, sizeof expirations);
  std::vector<Key> due;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    due.push_back(by_time_.begin()->second);
    by_key_.erase(due.back());
    by_time_.erase(by_time_.begin());
  }
  armed_ = Mono::max();
  Arm();
  return due;
}

}  // namespace cromt::launcher
