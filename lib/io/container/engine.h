// A container engine, by Docker's HTTP API 1.41 on its Unix socket: Docker's own, or Podman's compatible one.
// Source: Docker Engine API v1.41. One engine object is used by one thread at a time; calls block.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/container/order.h"
#include "io/http_client/http_client.h"

namespace cromt {

struct EngineImage {
  std::string id;
  std::string digest;  // NAME@sha256:…; empty where it came from no registry
  std::vector<std::string> env;
};

struct ContainerState {
  std::string id;
  std::string name;   // without a slash in front
  std::string image;  // its id
  bool running = false;
  bool oom_killed = false;
  int exit_code = 0;
  std::string error;  // why it could not begin
  bool read_only = false;
  std::string started_at;  // another one: it was restarted
};

// A process that is started in a container that runs already.
struct ExecOrder {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // besides the container's own: NAME=VALUE
  std::string directory;         // empty: the container's own
  std::string user;              // UID[:GID] or a name; empty: the container's own
};

class ContainerEngine {
 public:
  // `address` as in DOCKER_HOST: unix:///PATH. kInvalid for another kind. Connects to nothing yet.
  static Result<ContainerEngine> At(const std::string& address);

  // All: kUnavailable if no engine answers there, in words that name the address.
  Status Ping();
  // kNotFound: it is not here.
  Result<EngineImage> InspectImage(const std::string& image);
  // Until it is here. `progress` is called with a short line now and then; `wanted` is asked at least once a second,
  // also of a registry that says nothing, and ends it by false (kCanceled). kNotFound, kDenied as the registry says.
  Status PullImage(const std::string& image, const std::optional<RegistryLogin>& login,
                   const std::function<void(const std::string&)>& progress, const std::function<bool()>& wanted);
  // The new container's id. kConflict: the name is taken.
  Result<std::string> Create(const ContainerOrder& order);
  // kInvalid: the engine can't begin it, and says why.
  Status Start(const std::string& container);
  // Until it has ended; kNotFound if it is gone.
  Result<int> Wait(const std::string& container);
  // kNotFound, kConflict: it does not run (any more).
  Status Signal(const std::string& container, const std::string& signal);
  Result<ContainerState> Inspect(const std::string& container);
  // With its anonymous volumes, also while it runs. Nothing there is no error.
  Status Remove(const std::string& container);
  // Whether there is such a file or directory in it; symbolic links are followed by the engine as it likes.
  Result<bool> HasPath(const std::string& container, const std::string& path);
  // Ids of all containers with this label, also of those that have ended.
  Result<std::vector<std::string>> WithLabel(const std::string& name, const std::string& value);

  // Runs a process in a container and brings all that it prints, of its standard output (1) and error (2), to `sink`
  // as it comes; who takes long in there holds the process up, and false ends it (kCanceled). The process's exit code
  // once both have ended. Errors: kNotFound, kConflict: the container is not there or does not run; kInvalid: the
  // process can't be started, why is said; kUnavailable: the engine went away meanwhile, or has forgotten the process,
  // as after a restart.
  using ExecSink = std::function<bool(int stream, std::string_view bytes)>;
  Result<int> Exec(const std::string& container, const ExecOrder& order, const ExecSink& sink);

  // Unpacks an archive of `source` (HttpRequest) below `directory`, which is there. kDenied: it can't be written.
  Status PutArchive(const std::string& container, const std::string& directory, const HttpRequest::Source& source);

  const std::string& address() const { return address_; }

 private:
  ContainerEngine(std::string address, HttpClient client) : address_(std::move(address)), client_(std::move(client)) {}
  static constexpr std::string_view kApi = "/v1.41";
  Result<HttpAnswer> Call(HttpRequest request);
  Result<std::string> MakeExec(const std::string& container, const ExecOrder& order);
  Result<int> ExitCodeOf(const std::string& exec);
  Error Refused(const HttpAnswer& answer) const;

  std::string address_;
  HttpClient client_;
};

}  // namespace cromt
