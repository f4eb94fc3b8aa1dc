// The repository a job runs in: finds and reads what lies beneath its root, and nothing else. A symlink may point
// to another place beneath the root; one that leaves it is refused (kDenied), as are "..", absolute paths and
// links of /proc. Where the kernel lacks openat2 (or a container forbids it), paths are resolved and compared.
//
// This keeps a repository from showing cromt files of its own host by mistake or by malice. It is no wall against the
// job's own processes, which run as the same user.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::step {

class Repository {
 public:
  enum class Resolver { kKernel, kCompare };  // kCompare: as on kernels without openat2; for tests

  // kNotFound, kDenied or kInvalid when `root` is no directory that can be entered.
  static Result<Repository> Open(const std::string& root, Resolver resolver = Resolver::kKernel);

  // Absolute, without symlinks, no slash at the end.
  const std::string& root() const { return root_; }
  // The absolute path of `path`, which is relative to the root; "." is the root.
  std::string Absolute(std::string_view path) const;

  // True if there is one. Errors: kDenied when the way there leaves the root; kInvalid when it is something else
  // (a directory for IsFile, a device, a loop of links, a file where a directory is named).
  Result<bool> IsFile(const std::string& path) const;
  Result<bool> IsDirectory(const std::string& path) const;
  // True if there is anything of that name, even if it is broken or leads outside.
  bool Exists(const std::string& path) const;

  // What lies in a directory; a link is neither file nor directory.
  struct Item {
    std::string name;
    bool is_file = false;
    bool is_directory = false;
  };
  // Shows `use` the directory `top` and each one below it, with what lies in it, by name; follows no link. Nothing
  // where `top` is no directory. The first error of `use` ends it; kDenied when the way to `top` leaves the root;
  // kExhausted once there are more than `most` files and directories in all.
  using UseDirectory = std::function<Status(const std::string& path, const std::vector<Item>& items)>;
  Status Walk(const std::string& top, size_t most, const UseDirectory& use) const;

  // The content of a regular file. kNotFound, kDenied, kInvalid; kExhausted above `max_bytes`.
  Result<std::string> Read(const std::string& path, size_t max_bytes) const;

 private:
  Repository(std::string root, UniqueFd fd, Resolver resolver)
      : root_(std::move(root)), fd_(std::move(fd)), resolver_(resolver) {}
  Result<UniqueFd> OpenBeneath(const std::string& path, int flags) const;
  Result<UniqueFd> OpenCompared(const std::string& path, int flags) const;
  Result<std::vector<Item>> List(const std::string& path, size_t most) const;
  Result<bool> Is(const std::string& path, unsigned type, std::string_view what) const;

  std::string root_;
  UniqueFd fd_;  // the root
  Resolver resolver_;
};

// All of an open file, which messages call `path`. kInvalid if it is no regular file; kExhausted above `max_bytes`.
Result<std::string> ReadRegularFile(const UniqueFd& fd, const std::string& path, size_t max_bytes);

}  // namespace cromt::step
