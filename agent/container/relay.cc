#include "agent/container/relay.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace cromt::container {
namespace {

constexpr int kRecordsFd = 3;

}  // namespace

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

Result<Relay> Relay::Make(const std::string& dir, bool records) {
  Relay relay;
  if (::mkdir(dir.c_str(), 0711) != 0 && errno != EEXIST)
    return tl::unexpected<Error>(ErrnoError("can't make " + dir, errno));
  if (::chmod(dir.c_str(), 0711) != 0) return tl::unexpected<Error>(ErrnoError("can't open up " + dir, errno));
  CROMT_ASSIGN(Pipe out, MakePipe(dir + "/out", STDOUT_FILENO));
  CROMT_ASSIGN(Pipe err, MakePipe(dir + "/err", STDERR_FILENO));
  relay.pipes_.push_back(std::move(out));
  relay.pipes_.push_back(std::move(err));
  if (records) {
    CROMT_ASSIGN(Pipe pipe, MakePipe(dir + "/records", kRecordsFd));
    relay.pipes_.push_back(std::move(pipe));
  }
  return relay;
}

// Whoever may reach it may write: only the container and we see the directory.
Result<Relay::Pipe> Relay::MakePipe(const std::string& path, int to) {
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), 0600) != 0 || ::chmod(path.c_str(), 0622) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make the pipe " + path, errno));
  Pipe pipe{UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)), to};
  if (!pipe.from) return tl::unexpected<Error>(ErrnoError("can't open the pipe " + path, errno));
  return pipe;
}

void Relay::AddTo(std::vector<pollfd>& fds) const {
  for (const Pipe& pipe : pipes_)
    if (!pipe.ended) fds.push_back({pipe.from.get(), POLLIN, 0});
}

// False if there is nothing now.
bool Relay::ForwardOnce(Pipe& pipe) {
  std::array<char, 64 << 10> buffer;
  const ssize_t n = ::read(pipe.from.get(), buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  WriteAll(pipe.to, {buffer.data(), static_cast<size_t>(n)});
  return true;
}

void Relay::Forward() {
  for (Pipe& pipe : pipes_) {
    pollfd fd{pipe.from.get(), POLLIN, 0};
    if (pipe.ended || ::poll(&fd, 1, 0) <= 0) continue;
    const bool more = ForwardOnce(pipe);
    // A hang-up stays until the pipe is opened again, which nobody does: the first process opens it, once.
    pipe.ended = !more && (fd.revents & POLLHUP) != 0;
  }
}

void Relay::Drain() {
  for (Pipe& pipe : pipes_)
    while (!pipe.ended && ForwardOnce(pipe)) {
    }
}

}  // namespace cromt::container
