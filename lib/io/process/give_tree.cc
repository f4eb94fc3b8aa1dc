#include "io/process/give_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace cromt {

Status GiveTree(const std::string& path, uid_t user, gid_t group) {
  const auto give = [&](const std::string& file) -> Status {
    if (::lchown(file.c_str(), user, group) == 0) return {};
    return tl::unexpected<Error>(ErrnoError(fmt::format("can't give {} to user {}", file, user), errno));
  };
  std::error_code error;
  if (!std::filesystem::is_directory(std::filesystem::symlink_status(path, error))) return give(path);
  std::filesystem::recursive_directory_iterator entry(path, error), end;
  for (; !error && entry != end; entry.increment(error)) CROMT_TRY(give(entry->path().string()));
  if (error)
    return Fail(ErrorCode::kInternal, fmt::format("can't give {} to user {}: {}", path, user, error.message()));
  return give(path);
}

}  // namespace cromt
