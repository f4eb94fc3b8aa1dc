#include "io/git/helper/reporter.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace cromt::git {

namespace {

constexpr size_t kChunkBytes = 256 << 10;
constexpr Duration kProgressInterval = milliseconds(250);

}  // namespace

void Reporter::Send(const Reply& reply) {
  const std::string frame = Encode(reply);
  for (std::string_view rest = frame; !rest.empty();) {
    ssize_t written = write(socket_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) std::_Exit(1);  // nobody is left to tell
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void Reporter::SendProgress(const Progress& progress) {
  const Mono now = SystemClock().Read().mono;
  if (now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  Send(progress);
}

void Reporter::SendBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, kChunkBytes - pending_.size());
    pending_.append(part);
    bytes.remove_prefix(part.size());
    if (pending_.size() == kChunkBytes) Flush();
  }
}

void Reporter::Flush() {
  if (pending_.empty()) return;
  Send(Chunk{std::move(pending_)});
  pending_.clear();
}

}  // namespace cromt::git
