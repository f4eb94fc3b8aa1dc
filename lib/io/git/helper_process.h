// A running cromt-git (helper/main.cc): one request in, replies out, killed at the deadline.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "io/git/protocol.h"

namespace cromt::git {

// Owned and used by one thread. Its destructor kills the process, if it still runs, and reaps it: a helper
// never outlives the call that needed it.
class HelperProcess {
 public:
  // Starts `program` with only its end of the socket, standard error, and of the environment only what says
  // how to reach the network (proxies, certificates, the ssh agent); then sends the request.
  static Result<HelperProcess> Start(const std::filesystem::path& program, const Request& request);

  HelperProcess(HelperProcess&& other) noexcept;
  HelperProcess& operator=(HelperProcess&&) = delete;
  ~HelperProcess();

  // The next reply. kTimeout at `deadline`, kCanceled once `stop` is requested, kUnavailable if somebody
  // killed the helper before its last reply, kInternal if it ended by itself (the message says by what).
  Result<Reply> Next(Mono deadline, std::stop_token stop);

 private:
  HelperProcess(pid_t pid, UniqueFd socket, UniqueFd wake)
      : pid_(pid), socket_(std::move(socket)), wake_(std::move(wake)) {}
  Result<bool> Receive();  // false at the end of the stream
  Error Died();

  pid_t pid_;  // 0 once reaped
  UniqueFd socket_;
  UniqueFd wake_;  // eventfd: a stop was requested
  std::string received_;
};

}  // namespace cromt::git
