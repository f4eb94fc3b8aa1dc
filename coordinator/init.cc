#include "coordinator/init.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "coordinator/access/access.h"
#include "coordinator/store/sqlite_store.h"
#include "io/process/data_dir.h"
#include "io/process/give_tree.h"

namespace cromt {

namespace {

// What root makes in a service's directory must be that service's.
Status GiveToOwner(const std::string& data_dir) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(data_dir.c_str(), &info) != 0 || info.st_uid == 0) return {};
  return GiveTree(data_dir, info.st_uid, info.st_gid);
}

}  // namespace

std::string AccessFolder(const std::string& data_dir) {
  return data_dir + "/access";
}

Status RunInit(const InitOptions& options) {
  auto dir = DataDir::Open(options.data_dir);
  if (!dir && dir.error().code == ErrorCode::kConflict)
    return Fail(ErrorCode::kConflict,
                options.data_dir + " is in use: stop its coordinator first (systemctl stop cromt-coordinator)");
  if (!dir) return tl::unexpected(dir.error());
  SystemRandom random;
  MeshId mesh;
  {
    CROMT_ASSIGN(const auto store, SqliteStore::Open(dir->File("store.db"), random));
    CROMT_ASSIGN(const StoredState state, store->Load());
    mesh = state.mesh;
  }
  const SystemClock clock;
  CROMT_ASSIGN(const Access::Founded founded, Access::Found(AccessFolder(options.data_dir), mesh, clock, random));
  CROMT_TRY(GiveToOwner(options.data_dir));
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"mesh", mesh.text()},
                                      {"coordinator", options.advertised},
                                      {"fingerprint", founded.fingerprint},
                                      {"admin_token", founded.admin_token}}
                           .dump());
    return {};
  }
  fmt::print(
      "Mesh {} is founded. The fingerprint of its authority:\n"
      "  {}\n"
      "The token of its first user, admin, told this once:\n"
      "  {}\n"
      "Next: start the coordinator, and log in with that token from wherever you work:\n"
      "  cromt login {} --ca-fingerprint {}\n",
      mesh.text(), founded.fingerprint, founded.admin_token, options.advertised, founded.fingerprint);
  return {};
}

}  // namespace cromt
