#include "io/process/mailbox.h"

#include <algorithm>

namespace cromt {

void WaitFor(std::span<pollfd> fds, std::optional<Mono> deadline) {
  timespec timeout{};
  if (deadline) {
    int64_t left = std::max<int64_t>(0, (*deadline - SystemClock().Read().mono).count());
    timeout.tv_sec = left / 1'000'000;
    timeout.tv_nsec = left % 1'000'000 * 1000;
  }
  ppoll(fds.data(), fds.size(), deadline ? &timeout : nullptr, nullptr);
}

}  // namespace cromt
