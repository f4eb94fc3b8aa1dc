#include "cli/login_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/name.h"
#include "io/config/read_file.h"
#include "io/process/data_dir.h"

namespace cromt::cli {
namespace {

constexpr size_t kMostBytes = 1 << 20;

Result<std::string> Folder(const World& world) {
  if (auto config = world.variable("XDG_CONFIG_HOME"); config && config->starts_with('/'))
    return *config + "/cromt/logins";
  if (auto home = world.variable("HOME"); home && home->starts_with('/')) return *home + "/.config/cromt/logins";
  return Fail(ErrorCode::kInvalid, "HOME is not set, so there is no place for logins");
}

// An address as a file's name.
std::string FileName(std::string coordinator) {
  std::replace(coordinator.begin(), coordinator.end(), ':', '_');
  return coordinator + ".json";
}

Result<std::optional<Login>> Read(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return std::optional<Login>();
  if ((info.st_mode & 077) != 0)
    return Fail(ErrorCode::kDenied, path +
                                        " has a token in it and can be read by others: chmod 600 it, and should "
                                        "somebody have read it, remove that token with 'cromt tokens remove'");
  CROMT_ASSIGN(const std::string text, ReadFile(path, kMostBytes));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  Login login;
  const auto take = [&](const char* key, std::string& to) {
    if (!json.is_object() || !json.contains(key) || !json.at(key).is_string()) return false;
    to = json.at(key).get<std::string>();
    return true;
  };
  if (take("coordinator", login.coordinator) && take("mesh", login.mesh) && take("authorities", login.authorities) &&
      take("token", login.token))
    return std::optional(std::move(login));
  return Fail(ErrorCode::kInvalid, path + " is no login: log in again with 'cromt login'");
}

}  // namespace

Result<std::optional<Login>> ReadLogin(const World& world, const std::string& coordinator) {
  auto folder = Folder(world);
  if (!folder) return std::optional<Login>();  // nobody can have logged in
  return Read(*folder + "/" + FileName(coordinator));
}

Result<std::optional<Login>> LastLogin(const World& world) {
  auto folder = Folder(world);
  if (!folder) return std::optional<Login>();
  auto name = ReadFile(*folder + "/last", kMostBytes);
  if (!name) return std::optional<Login>();
  while (name->ends_with('\n')) name->pop_back();
  if (!IsName(*name)) return std::optional<Login>();
  return Read(*folder + "/" + *name);
}

Status RewriteLogin(const World& world, const Login& login) {
  CROMT_ASSIGN(const std::string folder, Folder(world));
  const nlohmann::json json{{"coordinator", login.coordinator},
                            {"mesh", login.mesh},
                            {"authorities", login.authorities},
                            {"token", login.token}};
  return WriteFileDurably(folder + "/" + FileName(login.coordinator), json.dump(2) + "\n");
}

Status WriteLogin(const World& world, const Login& login) {
  CROMT_ASSIGN(const std::string folder, Folder(world));
  CROMT_TRY(MakeDirs(folder));
  CROMT_TRY(RewriteLogin(world, login));
  return WriteFileDurably(folder + "/last", FileName(login.coordinator) + "\n");
}

Status RemoveLogin(const World& world, const std::string& coordinator) {
  CROMT_ASSIGN(const std::string folder, Folder(world));
  const std::string path = folder + "/" + FileName(coordinator);
  if (::unlink(path.c_str()) == 0) return {};
  return tl::unexpected<Error>(ErrnoError("no login at " + coordinator + ": " + path, errno));
}

}  // namespace cromt::cli
