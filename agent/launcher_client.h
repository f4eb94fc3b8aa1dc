// The agent's side of the launcher: starting one, connecting, and talking without ever waiting. Used by one
// thread (the agent's supervisor), which watches fd() itself.
//
//   auto client = LauncherClient::Connect(dir, seconds(5));   // or StartLauncher first
//   client->Send(std::array{ToLauncher(Start{…})});
//   …fd() readable: client->Receive();  fd() writable, while wants_write(): client->Flush();
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/launcher/message_socket.h"
#include "agent/launcher/protocol.h"
#include "base/result.h"
#include "base/time.h"

namespace cromt {

struct LauncherOptions {
  std::string cgroup;          // as --cgroup; empty = its own group
  Duration orphan_timeout{0};  // as --orphan-timeout; 0 = never
  bool is_service = false;     // a service manager starts it, whenever there is none: it is only waited for
};

// Starts the program `launcher` for the data directory `dir`, detached: it belongs to no session of ours, holds
// none of our descriptors, and outlives us. Returns when its socket answers. kConflict when another launcher has
// `dir` (just connect to that), kTimeout after `patience`, kUnavailable with its own words when it fails.
Status StartLauncher(const std::string& launcher, const std::string& dir, const LauncherOptions& options,
                     Duration patience);

class LauncherClient {
 public:
  // What Send keeps for a launcher that does not read: more is refused, unless nothing else waits.
  static constexpr size_t kMaxUnsentBytes = 16 << 20;

  // Connects and says Hello; tries again until `patience` is over while nobody answers (kUnavailable then).
  static Result<LauncherClient> Connect(const std::string& dir, Duration patience);

  int fd() const { return socket_.fd(); }
  // Of the launcher, as the kernel says it, so also of one that never answers; 0 = not known.
  uint32_t pid() const;
  // The file of its program is another one by now, or gone: it is of before an upgrade.
  bool is_of_before() const;
  bool wants_write() const { return socket_.wants_write(); }

  // Sends in this order; what the socket does not take now is kept for Flush. kExhausted: none of it was taken,
  // since too much waits already. kUnavailable: the connection is gone; make a new one.
  Status Send(std::span<const launcher::ToLauncher> messages);
  Status Flush() { return socket_.Flush(); }

  // What has arrived, in order; empty when nothing has. A connection begins with Hello, Known…, Ready.
  // kUnavailable: closed by the launcher, and all it sent before was received. kCorrupt: it speaks another
  // protocol; kInvalid: another version.
  Result<std::vector<launcher::FromLauncher>> Receive();

 private:
  explicit LauncherClient(launcher::MessageSocket socket) : socket_(std::move(socket)) {}
  launcher::MessageSocket socket_;
};

}  // namespace cromt
