// Listens on one address and hands over connections that are allowed. Exclusive: no SO_REUSEPORT, so two programs
// never share a port unseen. On a loopback or Unix listener in plaintext a connection is accepted only if the kernel
// says that its other end belongs to root or to our own user; anybody else is disconnected without a byte.
#pragma once

#include <poll.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace cromt::rpc {

class Tls;

// Another protocol on the same port, known by its first byte. TLS begins with 0x16, HTTP/2 with 'P'.
struct Beside {
  char first_byte = 0;
  std::function<void(UniqueFd)> take;  // as Listener::OnConnection; null: there is none
};

struct ListenOptions {
  std::string address;    // "HOST:PORT" (a numeric address or "localhost"; port 0 picks one) or "/path/of.sock"
  bool insecure = false;  // beyond loopback in plaintext
  // Set: this port speaks TLS, and the kernel is not asked who calls.
  std::shared_ptr<Tls> tls;
  bool certificates_needed = true;  // of who calls there
  // With `tls`: a connection takes no new calls when it is as old as this, so that its ends show anew who they are;
  // their certificates may have been renewed, or their authority given up. The shortest of a server's ports counts for
  // all.
  Duration connection_age = std::chrono::hours(1);
  // What comes by it is admitted like the rest; of TLS or of who calls nothing is known yet.
  Beside beside;
};

class Listener {
 public:
  // Called on the listener's thread with each allowed connection, nonblocking and close-on-exec; takes it over.
  using OnConnection = std::function<void(UniqueFd)>;
  // `refused` is told, at most once a second, why somebody was not let in.
  using OnRefused = std::function<void(const std::string&)>;
  // Where there is something beside, the first byte is waited for: so long, and of so many connections; then it is
  // taken for one that does not begin so.
  static constexpr Duration kFirstByte = seconds(10);
  static constexpr size_t kMostSilent = 256;

  // kInvalid for an address beyond loopback without `insecure` (the message names mutual TLS and --insecure), or one
  // that can't be understood; kConflict if it is in use.
  static Result<std::unique_ptr<Listener>> Open(const ListenOptions& options);
  ~Listener();

  void Start(OnConnection on_connection, OnRefused on_refused);
  // No connection is handed over after this.
  void Stop();

  // "127.0.0.1:4000", with the real port; or the path.
  const std::string& address() const { return address_; }

 private:
  Listener() = default;
  Status Bind(const ListenOptions& options);
  Status BindUnix(const std::string& path);
  struct Silent {
    UniqueFd connection;
    Mono until;
  };
  void Run(const OnConnection& on_connection, const OnRefused& on_refused);
  Result<UniqueFd> Accept() const;
  Status Admit(int fd) const;
  void Route(UniqueFd connection, const OnConnection& on_connection);
  void RouteSilent(const std::vector<pollfd>& seen, const OnConnection& on_connection);

  UniqueFd socket_;
  UniqueFd stop_;
  std::string address_;
  std::string unix_path_;
  bool local_only_ = true;
  Beside beside_;
  std::deque<Silent> silent_;  // the thread's own; who has waited longest first
  std::thread thread_;
};

}  // namespace cromt::rpc
