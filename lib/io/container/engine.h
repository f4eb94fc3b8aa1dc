// A container engine, by Docker's HTTP API 1.41 on its Unix socket: Docker's own, or Podman's compatible one.
// Source: Docker Engine API v1.41. One engine object is used by one thread at a time; calls block.
#pragma once

#include <functional>
#include <optional>
#include <string>
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
  bool running = false;
  bool oom_killed = false;
  int exit_code = 0;
  std::string error;  // why it could not begin
};

class ContainerEngine {
 public:
  // `address` as in DOCKER_HOST: unix:///PATH. kInvalid for another kind. Connects to nothing yet.
  static Result<ContainerEngine> At(const std::string& address);

  // All: kUnavailable if no engine answers there, in words that name the address.
  Status Ping();
  // kNotFound: it is not here.
  Result<EngineImage> InspectImage(const std::string& image);
  // Until it is here. `progress` is called with a short line now and then, and ends it by false (kCanceled). kNotFound,
  // kDenied as the registry says.
  Status PullImage(const std::string& image, const std::optional<RegistryLogin>& login,
                   const std::function<bool(const std::string&)>& progress);
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

  const std::string& address() const { return address_; }

 private:
  ContainerEngine(std::string address, HttpClient client) : address_(std::move(address)), client_(std::move(client)) {}
  Result<HttpAnswer> Call(HttpRequest request);
  Error Refused(const HttpAnswer& answer) const;

  std::string address_;
  HttpClient client_;
};

}  // namespace cromt
