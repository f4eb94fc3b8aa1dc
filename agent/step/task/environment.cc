#include "agent/step/task/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/step/os_name.h"
#include "agent/step/repository.h"
#include "base/name.h"
#include "base/unique_fd.h"

namespace cromt::step {
namespace {

struct Variable {
  std::string_view name;
  std::string value;
};

bool IsDirectory(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string Inherited(std::string_view name) {
  const char* value = ::getenv(std::string(name).c_str());
  return value ? value : "";
}

// `first`, what is inherited, `last`, of those that are not empty.
std::string Path(std::string_view name, std::string first, char separator, std::string_view last = "") {
  for (const std::string& more : {Inherited(name), std::string(last)}) {
    if (more.empty()) continue;
    if (!first.empty()) first += separator;
    first += more;
  }
  return first;
}

}  // namespace

std::vector<std::string> EnvironmentFor(const Places& places) {
  std::vector<Variable> added = {{"os", OsName()}, {"cache_root_dir", places.cache_root}, {"cache_dir", places.cache}};
  const std::string lib = places.root + "/lib", bin = places.root + "/bin";
  const bool has_lib = IsDirectory(lib);
  added.push_back({"PYTHONPATH", Path("PYTHONPATH", has_lib ? lib : "", ':', places.libraries)});
  if (has_lib) {
    added.push_back({"PERL5LIB", Path("PERL5LIB", lib, ':')});
    added.push_back({"RUBYLIB", Path("RUBYLIB", lib, ':')});
    added.push_back({"RAKULIB", Path("RAKULIB", "file#" + lib, ',')});
  }
  if (IsDirectory(bin)) added.push_back({"PATH", Path("PATH", bin, ':')});
  std::vector<std::string> environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (std::ranges::none_of(added, [&](const Variable& variable) { return variable.name == name; }))
      environment.emplace_back(text);
  }
  for (const auto& [name, value] : added) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));  // a FIFO must not hold us
  if (!fd && errno == ENOENT) return Fail(ErrorCode::kNotFound, Quote(path) + " does not exist");
  if (!fd) return tl::unexpected(ErrnoError(Quote(path), errno));
  return ReadRegularFile(fd, path, max_bytes);
}

}  // namespace cromt::step
