#include "cli/coordinator_address.h"

#include <sys/stat.h>

#include "cli/login_file.h"
#include "core/agent_address.h"

namespace cromt::cli {
namespace {

bool IsSocket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

// Where nobody has said it.
std::string Usual(const World& world) {
  if (IsSocket(world.system_socket)) return world.system_socket;
  const std::string mine = world.variable("XDG_RUNTIME_DIR").value_or("") + "/cromt/coordinator.sock";
  if (mine.front() == '/' && IsSocket(mine)) return mine;
  return "127.0.0.1:" + std::to_string(kDefaultCoordinatorPort);
}

}  // namespace

Result<std::string> CoordinatorAddress(const std::string& text) {
  auto address = ParseAgentAddress(text, kDefaultCoordinatorPort);
  if (!address) return Fail("the coordinator's address", std::move(address).error());
  return ToString(*address);
}

Result<CoordinatorTarget> FindCoordinator(const std::optional<std::string>& given, const World& world) {
  std::optional<std::string> named = given;
  if (!named) named = world.variable("CROMT_COORDINATOR");
  if (named && named->empty()) named.reset();
  CROMT_ASSIGN(const std::optional<Login> last, LastLogin(world));
  CoordinatorTarget target{.address = named ? *named : last ? last->coordinator : Usual(world)};
  if (target.address.find('/') != std::string::npos) {
    if (last) target.token = last->token;  // who may open the socket may read it
    return target;
  }
  CROMT_ASSIGN(target.address, CoordinatorAddress(target.address));
  CROMT_ASSIGN(const std::optional<Login> login, ReadLogin(world, target.address));
  if (!login) return target;
  target.token = login->token;
  target.authorities = login->authorities;
  target.mesh = login->mesh;
  // So that a mesh can go from one authority to another without anybody's logging in again. Should it not be written
  // now, it will be the next time.
  target.authorities_changed = [login = *login, &world](const std::string& shown) mutable {
    login.authorities = shown;
    (void)RewriteLogin(world, login);
  };
  return target;
}

}  // namespace cromt::cli
