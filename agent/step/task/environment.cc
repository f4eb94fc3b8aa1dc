#include "agent/step/task/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "agent/step/os_name.h"
#include "agent/step/repository.h"
#include "base/name.h"
#include "base/unique_fd.h"

namespace cromt::step {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Variables that list folders, each with what it inherits at the end.
class SearchPaths {
 public:
  void Add(const SearchPath& path) {
    auto [known, is_new] = lists_.try_emplace(path.name, path);
    if (!is_new) known->second.value += path.separator + path.value;
  }
  void AppendTo(EnvironmentVariables& variables) {
    for (auto& [name, path] : lists_) {
      const char* inherited = ::getenv(std::string(name).c_str());
      if (inherited && *inherited) path.value.append(1, path.separator).append(inherited);
      variables.emplace_back(name, std::move(path.value));
    }
  }

 private:
  std::map<std::string_view, SearchPath> lists_;
};

}  // namespace

std::vector<std::string> EnvironmentWith(const EnvironmentVariables& added) {
  std::vector<std::string> environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (std::ranges::none_of(added, [&](const auto& variable) { return variable.first == name; }))
      environment.emplace_back(text);
  }
  for (const auto& [name, value] : added) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

std::vector<std::string> EnvironmentFor(const Places& places, const std::vector<SearchPath>& modules,
                                        const EnvironmentVariables& added) {
  SearchPaths paths;
  const std::string lib = places.root + "/lib", bin = places.root + "/bin";
  if (IsDirectory(bin)) paths.Add({"PATH", bin});
  if (IsDirectory(lib))
    for (std::string_view name : {"PYTHONPATH", "PERL5LIB", "RUBYLIB"}) paths.Add({name, lib});
  if (IsDirectory(lib)) paths.Add({"RAKULIB", "file#" + lib, ','});
  for (const SearchPath& path : modules) paths.Add(path);
  paths.Add({"PYTHONPATH", places.libraries});
  EnvironmentVariables variables = {
      {"os", OsName()}, {"cache_root_dir", places.cache_root}, {"cache_dir", places.cache}};
  paths.AppendTo(variables);
  variables.insert(variables.end(), added.begin(), added.end());
  return EnvironmentWith(variables);
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));  // a FIFO must not hold us
  if (!fd && errno == ENOENT) return Fail(ErrorCode::kNotFound, Quote(path) + " does not exist");
  if (!fd) return tl::unexpected(ErrnoError(Quote(path), errno));
  return ReadRegularFile(fd, path, max_bytes);
}

}  // namespace cromt::step
