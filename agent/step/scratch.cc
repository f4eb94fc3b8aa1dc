#include "agent/step/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
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
  if (!made_.insert(relative).second) return {};
  std::error_code error;
  std::filesystem::create_directories(path_ + "/" + relative, error);
  if (error) return tl::unexpected(ErrnoError(Quote(path_ + "/" + relative), error.value()));
  return {};
}

Status Scratch::Write(const std::string& relative, std::string_view content) {
  const std::string path = path_ + "/" + relative;
  auto failed = [&] { return tl::unexpected(ErrnoError(Quote(path), errno)); };
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd) return failed();
  made_.insert(relative);
  const auto size = static_cast<off_t>(content.size());
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    content.remove_prefix(static_cast<size_t>(n));
  }
  if (::ftruncate(fd.get(), size) != 0) return failed();
  return {};
}

void Scratch::Remove(const std::string& relative) {
  ::unlink((path_ + "/" + relative).c_str());
  made_.erase(relative);
}

void Scratch::Tidy(const std::string& relative) {
  namespace fs = std::filesystem;
  const fs::path directory = path_ + "/" + relative;
  std::error_code error;
  const bool is_clean = std::all_of(fs::recursive_directory_iterator(directory, error),
                                    fs::recursive_directory_iterator(), [&](const fs::directory_entry& entry) {
                                      return made_.contains(entry.path().lexically_relative(path_).string());
                                    });
  if (is_clean && !error) return;
  fs::remove_all(directory, error);
  std::erase_if(made_, [&](const std::string& name) { return name == relative || name.starts_with(relative + "/"); });
  (void)MakeDirectories(relative);  // who writes there next says why it can't be
}

}  // namespace cromt::step
