#include "agent/step/staged_folder.h"

#include <errno.h>
#include <stdlib.h>

#include <filesystem>

#include "base/name.h"

namespace cromt::step {

namespace fs = std::filesystem;

namespace {

std::string FromEnvironment(const char* name) {
  const char* value = ::getenv(name);
  return value ? value : "";
}

}  // namespace

std::string CacheFolder(std::string_view kind) {
  std::string base = FromEnvironment("XDG_CACHE_HOME");
  if (!base.starts_with('/')) base = FromEnvironment("HOME") + "/.cache";
  return base.starts_with("/.cache") || !base.starts_with('/') ? "" : (base + "/cromt/").append(kind);
}

Result<StagedFolder> StagedFolder::Make(const std::string& cache) {
  if (cache.empty()) return Fail(ErrorCode::kInvalid, "it needs a cache: set HOME or XDG_CACHE_HOME");
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) return tl::unexpected(ErrnoError(Quote(cache), error.value()));
  std::string path = cache + "/making-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return tl::unexpected(ErrnoError("a directory in " + Quote(cache), errno));
  return StagedFolder(std::move(path));
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status StagedFolder::MoveTo(const std::string& relative, const std::string& to, const std::function<bool()>& is_right) {
  const std::string from = relative == "." ? path_ : path_ + "/" + relative;
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  const int number = errno;
  if (is_right()) return {};
  std::error_code ignored;
  fs::remove_all(to, ignored);
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return tl::unexpected(ErrnoError(Quote(to), number));
}

}  // namespace cromt::step
