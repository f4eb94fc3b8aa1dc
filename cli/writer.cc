#include "cli/writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace cromt::cli {

void FdWriter::Write(std::string_view text) {
  while (!text.empty() && !failure_) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // somebody made the terminal non-blocking
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno == EPIPE) {
      failure_ = Error{ErrorCode::kCanceled, std::string(name_) + " is closed"};
    } else if (errno != EINTR) {
      failure_ = ErrnoError(name_, errno);
    }
  }
}

}  // namespace cromt::cli
