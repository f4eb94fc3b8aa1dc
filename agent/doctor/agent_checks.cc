#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "agent/doctor/checks.h"
#include "agent/launcher/endpoint.h"
#include "agent/launcher/protocol.h"
#include "base/name.h"
#include "base/size.h"
#include "io/rpc/address.h"

namespace cromt::doctor {
namespace {

constexpr int64_t kLittleRoom = int64_t{1} << 30;

std::string NameOf(uid_t uid) {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found) return found->pw_name;
  return std::to_string(uid);
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The first directory on the way to `path` that not everybody may pass; empty if there is none.
std::string ClosedParent(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
    struct stat info {};
    const std::string part = path.substr(0, slash);
    if (::stat(part.c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0) return part;
  }
  return "";
}

// The nearest directory of `path` that there is.
std::string Existing(std::string path) {
  while (!path.empty() && ::access(path.c_str(), F_OK) != 0) path.resize(path.rfind('/'));
  return path.empty() ? "/" : path;
}

// connect(2) to a socket in the file system: what it says, or 0, and the other end's process.
int ConnectTo(const sockaddr_un& address, pid_t& pid) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno;
  ucred peer{};
  socklen_t size = sizeof peer;
  pid = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
  return 0;
}

}  // namespace

Finding CheckPrograms(const std::string& program_dir) {
  std::string missing;
  for (const char* name : {"cromt-launcher", "cromt-step", "cromt-container"})
    if (::access(fmt::format("{}/{}", program_dir, name).c_str(), X_OK) != 0)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  if (missing.empty()) return Ok("programs", "all are in " + program_dir);
  return Problem("programs", fmt::format("{} can't be run in {}", missing, program_dir),
                 "install the whole package again; its programs belong into one directory");
}

Finding CheckDataDir(const std::string& path, bool for_others) {
  constexpr const char* kCheck = "data directory";
  const std::string existing = Existing(path);
  if (struct stat info{}; existing == path && ::stat(path.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) return Problem(kCheck, path + " is no directory", "give another --data-dir");
    if (info.st_uid != ::geteuid())
      return Problem(kCheck,
                     fmt::format("{} belongs to {}, and this is {}", path, NameOf(info.st_uid), NameOf(::geteuid())),
                     fmt::format("chown -R {} {}, or run this as {}", NameOf(::geteuid()), path, NameOf(info.st_uid)));
    const mode_t most = for_others ? 0711 : 0700;
    if ((info.st_mode & 07777 & ~most) != 0)
      return Problem(kCheck, fmt::format("others may read or write {} (mode {:04o})", path, info.st_mode & 07777),
                     fmt::format("chmod {:04o} {}", most, path));
  } else if (::access(existing.c_str(), W_OK) != 0) {
    return Problem(kCheck, fmt::format("{} can't be made in {}", path, existing), "make it, or run this as its owner");
  }
  if (const std::string closed = for_others ? ClosedParent(path) : ""; !closed.empty())
    return Problem(kCheck, fmt::format("jobs of other users can't reach {} through {}", path, closed),
                   fmt::format("chmod o+x {}, or give another --data-dir", closed));
  struct statvfs room {};
  if (::statvfs(existing.c_str(), &room) != 0) return Problem(kCheck, ErrnoError(existing, errno).message, "");
  const auto free_bytes = static_cast<int64_t>(room.f_bavail) * static_cast<int64_t>(room.f_frsize);
  if (free_bytes < kLittleRoom || room.f_favail < 10'000)
    return Problem(kCheck,
                   fmt::format("{} and {} files are all the room for {}", FormatSize(free_bytes), room.f_favail, path),
                   "free some: an agent without room takes nothing new");
  return Ok(kCheck, fmt::format("{}, with room for {}", path, FormatSize(free_bytes)));
}

bool AgentRuns(const std::string& data_dir) {
  const UniqueFd lock(::open((data_dir + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Finding CheckLauncher(const std::string& data_dir, bool is_service, bool agent_runs, pid_t& pid) {
  constexpr const char* kCheck = "launcher";
  const UniqueFd dir(::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int error = dir ? ConnectTo(launcher::SocketAddress(data_dir, dir.get()), pid) : ENOENT;
  if (error == 0) return Ok(kCheck, fmt::format("process {} answers", pid));
  if (error == EACCES)
    return Problem(kCheck, fmt::format("its socket in {} may not be reached by {}", data_dir, NameOf(::geteuid())),
                   "run this as the agent's user");
  if (is_service)
    return Problem(kCheck, "the service cromt-launcher does not run",
                   "systemctl start cromt-launcher; its journal says more");
  if (agent_runs) return Problem(kCheck, "the agent runs, and its launcher does not answer", "start the agent again");
  return Ok(kCheck, "none runs; the agent starts one");
}

Finding CheckPort(const std::string& listen, const std::string& data_dir, bool agent_runs) {
  constexpr const char* kCheck = "port";
  auto endpoint = rpc::ResolveEndpoint(listen);
  if (!endpoint) return Problem(kCheck, endpoint.error().message, "give another --listen");
  const UniqueFd fd(::socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint->address), endpoint->size) == 0)
    return Ok(kCheck, listen + (agent_runs ? " is free, though the agent runs: it serves another" : " is free"));
  if (errno != EADDRINUSE)
    return Problem(kCheck, ErrnoError("can't listen on " + listen, errno).message,
                   "give an address of this host as --listen");
  if (agent_runs && FirstLine(data_dir + "/address") == "grpc " + listen)
    return Ok(kCheck, listen + " is served by the agent");
  return Problem(kCheck, listen + " is in use by another program",
                 fmt::format("`ss -ltnp sport = :{}` names it; end it, or give another --listen",
                             listen.substr(listen.rfind(':') + 1)));
}

Finding CheckEngine(const std::string& address) {
  constexpr const char* kCheck = "containers";
  const std::string path = address.substr(std::strlen("unix://"));
  sockaddr_un socket{};
  socket.sun_family = AF_UNIX;
  if (path.size() >= sizeof socket.sun_path) return Problem(kCheck, path + " is too long for a socket", "");
  std::memcpy(socket.sun_path, path.c_str(), path.size() + 1);
  pid_t pid = 0;
  const int error = ConnectTo(socket, pid);
  if (error == 0) return Ok(kCheck, "an engine answers at " + path);
  if (error == ENOENT)
    return Warning(kCheck, fmt::format("there is no container engine at {}: jobs in containers will fail", path),
                   "install docker.io or podman, if there are to be any");
  return Warning(kCheck, ErrnoError("the container engine at " + path, error).message,
                 error == EACCES ? "let the agent's user have that socket" : "start the engine");
}

Finding CheckUsers(const UserPolicy& users) {
  constexpr const char* kCheck = "users";
  auto known = JobUsers::Open(users, OwnJobSettings(""));
  if (!known) {
    const bool missing = known.error().code == ErrorCode::kNotFound;
    return Problem(kCheck, "job_user: " + known.error().message,
                   missing ? fmt::format("useradd --system {}, or name another in job_user", users.job_user)
                           : "run the agent as root, or leave out job_user");
  }
  for (const std::string& name : users.run_as)
    if (name != "*")
      if (auto one = known->For(name); !one)
        return Problem(kCheck, "run_as: " + one.error().message, "make that user, or take it out of run_as");
  if (!users.names_others() && ::geteuid() == 0)
    return Warning(kCheck, "jobs run as root", "name a user for them as job_user, if they are not to");
  return Ok(kCheck, "jobs run as " + (users.job_user.empty() ? NameOf(::geteuid()) : users.job_user));
}

}  // namespace cromt::doctor
