#include "base/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace cromt {
namespace {

// Beats in the time that the manager waits for one: a round that takes long may cost two.
constexpr int kBeatsInPatience = 3;

std::string Take(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value ? value : "";
  ::unsetenv(name);
  return taken;
}

int64_t Number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

// "/run/systemd/notify", or "@NAME" for one that is no file. Empty where it can't be reached.
UniqueFd Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
  return fd;
}

// A status is one line of the message; more would be other words to the manager.
std::string Line(std::string_view name, std::string_view text) {
  std::string line = fmt::format("{}={}", name, text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line + "\n";
}

}  // namespace

ServiceManager ServiceManager::TakeFromEnvironment() {
  ServiceManager manager;
  manager.socket_ = Connect(Take("NOTIFY_SOCKET"));
  const int64_t patience_us = Number(Take("WATCHDOG_USEC"));
  const std::string whose = Take("WATCHDOG_PID");
  if (manager.socket_ && patience_us > 0 && (whose.empty() || Number(whose) == ::getpid()))
    manager.patience_ = Duration(patience_us);
  return manager;
}

void ServiceManager::Ready(std::string_view status) const {
  Send("READY=1\n" + Line("STATUS", status));
}

void ServiceManager::Stopping(std::string_view status) const {
  Send("STOPPING=1\n" + Line("STATUS", status));
}

void ServiceManager::Says(std::string_view status) const {
  Send(Line("STATUS", status));
}

void ServiceManager::Alive() const {
  Send("WATCHDOG=1\n");
}

void ServiceManager::Send(const std::string& words) const {
  if (!socket_) return;
  [[maybe_unused]] const ssize_t ignored = ::send(socket_.get(), words.data(), words.size(), MSG_NOSIGNAL);
}

void Watchdog::Beat(Mono now) {
  if (!runs() || now < next_) return;
  manager_->Alive();
  next_ = now + manager_->patience() / kBeatsInPatience;
}

std::optional<Mono> Watchdog::NextDeadline(std::optional<Mono> of_the_loop) const {
  if (!runs()) return of_the_loop;
  return of_the_loop ? std::min(*of_the_loop, next_) : next_;
}

}  // namespace cromt
