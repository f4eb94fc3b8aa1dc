// What a service says to the manager that has started it, as systemd understands it (sd_notify(3)): that it serves,
// that it stops, what it does, and that it is still alive. By hand, since the protocol is one datagram and the launcher
// links nothing. Without a manager all of it is nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"

namespace cromt {

class ServiceManager {
 public:
  // Says nothing to nobody.
  ServiceManager() = default;
  // Whom this process's environment names, which is taken out of it: what is started from here is no service. Call
  // before threads start.
  static ServiceManager TakeFromEnvironment();

  // All below: any thread. Never blocks: what the manager does not take at once is not said.
  void Ready(std::string_view status) const;
  void Stopping(std::string_view status) const;
  // One line, shown by `systemctl status`.
  void Says(std::string_view status) const;
  void Alive() const;

  // How often Alive is expected, or the manager ends this process; 0 = never.
  Duration patience() const { return patience_; }

 private:
  void Send(const std::string& words) const;

  UniqueFd socket_;  // connected
  Duration patience_{0};
};

// Says Alive from the loop whose life it is about, so that a loop that hangs is found out while other threads go on.
// That loop's thread only.
class Watchdog {
 public:
  // `manager` outlives it.
  explicit Watchdog(const ServiceManager* manager) : manager_(manager) {}

  // Says so, if it is time to.
  void Beat(Mono now);
  // When the loop is to come round again, though nothing else may be due before that; nullopt = never.
  std::optional<Mono> NextDeadline(std::optional<Mono> of_the_loop) const;

 private:
  bool runs() const { return manager_ && manager_->patience().count() > 0; }

  const ServiceManager* manager_;
  Mono next_{};  // at the first round
};

}  // namespace cromt
