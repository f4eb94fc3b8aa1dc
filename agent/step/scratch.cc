#include "agent/step/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "base/name.h"
#include "base/unique_fd.h"

namespace cromt::step {

Scratch::~Scratch() {
  std::error_code ignored;  // what a task made undeletable stays behind in the job's own TMPDIR
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Status Scratch::Make() {
  if (!path_.empty()) return {};
  const char* parent = ::getenv("TMPDIR");
  std::string path = std::string(parent != nullptr && *parent == '/' ? parent : "/tmp") + "/cromt-step-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return tl::unexpected(ErrnoError("a directory in " + Quote(path), errno));
  path_ = std::move(path);
  return {};
}

Status Scratch::MakeDirectories(const std::string& relative) {
  std::error_code error;
  std::filesystem::create_directories(path_ + "/" + relative, error);
  if (error) return tl::unexpected(ErrnoError(Quote(path_ + "/" + relative), error.value()));
  return {};
}

Status Scratch::Write(const std::string& relative, std::string_view content) {
  const std::string path = path_ + "/" + relative;
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return tl::unexpected(ErrnoError(Quote(path), errno));
  while (!content.empty()) {
    ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(ErrnoError(Quote(path), errno));
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace cromt::step
