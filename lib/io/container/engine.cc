#include "io/container/engine.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace cromt {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kUnix = "unix://";
constexpr Duration kMostPull = std::chrono::hours(2);
constexpr Duration kProgressPause = seconds(2);

Json Parsed(std::string_view text) {
  return Json::parse(text, nullptr, false);
}

// Of an object; null for anything else.
const Json& At(const Json& json, const char* key) {
  static const Json kNone;
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found == json.end() ? kNone : *found;
}

std::string TextAt(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

ErrorCode CodeOf(int status) {
  switch (status) {
    case 400: return ErrorCode::kInvalid;
    case 401:
    case 403: return ErrorCode::kDenied;
    case 404: return ErrorCode::kNotFound;
    case 409: return ErrorCode::kConflict;
    default: return ErrorCode::kInternal;
  }
}

// What X-Registry-Auth wants: base64 of JSON, with - and _.
std::string AuthHeader(const RegistryLogin& login) {
  const std::string text =
      Json{{"username", login.user}, {"password", login.password}, {"serveraddress", login.registry}}.dump();
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  encoded.resize(static_cast<size_t>(size));
  std::replace(encoded.begin(), encoded.end(), '+', '-');
  std::replace(encoded.begin(), encoded.end(), '/', '_');
  return "X-Registry-Auth: " + encoded;
}

Json HostConfigOf(const ContainerOrder& order) {
  Json mounts = Json::array();
  for (const EngineMount& mount : order.mounts)
    mounts.push_back({{"Type", "bind"},
                      {"Source", mount.source},
                      {"Target", mount.target},
                      {"ReadOnly", mount.read_only},
                      {"BindOptions", {{"Propagation", "rprivate"}}}});
  Json config = {{"Mounts", std::move(mounts)},
                 {"LogConfig", {{"Type", "none"}}},  // its output comes through our own pipes
                 {"ReadonlyRootfs", order.read_only},
                 {"Privileged", order.privileged},
                 {"RestartPolicy", {{"Name", "no"}}}};
  if (!order.network.empty()) config["NetworkMode"] = order.network;
  if (!order.pid.empty()) config["PidMode"] = order.pid;
  if (!order.ipc.empty()) config["IpcMode"] = order.ipc;
  if (order.read_only) config["Tmpfs"] = {{"/tmp", "mode=1777"}};
  if (order.no_new_privileges) config["SecurityOpt"] = Json::array({"no-new-privileges"});
  if (!order.capabilities.empty()) config["CapAdd"] = order.capabilities;
  for (const std::string& device : order.devices)
    config["Devices"].push_back({{"PathOnHost", device}, {"PathInContainer", device}, {"CgroupPermissions", "rwm"}});
  if (order.limits.memory_bytes > 0) {
    config["Memory"] = order.limits.memory_bytes;
    config["MemorySwap"] = order.limits.memory_bytes;  // no more by swapping
  }
  if (order.limits.cpu_permille > 0) config["NanoCpus"] = int64_t{order.limits.cpu_permille} * 1'000'000;
  if (order.limits.pids > 0) config["PidsLimit"] = order.limits.pids;
  return config;
}

// The lines of a pull, each a JSON object; what is left of a half one stays.
class PullLines {
 public:
  explicit PullLines(const std::function<void(const std::string&)>& progress) : progress_(progress) {}

  void Take(std::string_view bytes) {
    rest_ += bytes;
    for (size_t end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n')) {
      Line(std::string_view(rest_).substr(0, end));
      rest_.erase(0, end + 1);
    }
    if (rest_.size() > HttpClient::kMaxBody) rest_.clear();
    Tell();
  }
  const std::string& error() const { return error_; }

 private:
  void Line(std::string_view text) {
    const Json line = Parsed(text);
    if (const std::string error = TextAt(line, "error"); !error.empty()) error_ = error;
    if (const Json& detail = At(line, "progressDetail"); At(detail, "total").is_number()) {
      layers_[TextAt(line, "id")] = {At(detail, "current").is_number() ? At(detail, "current").get<double>() : 0,
                                     At(detail, "total").get<double>()};
    }
  }
  void Tell() {
    const Mono now = SystemClock().Read().mono;
    if (now < next_ || layers_.empty()) return;
    next_ = now + kProgressPause;
    double got = 0, all = 0;
    for (const auto& [id, layer] : layers_) {
      got += layer.first;
      all += layer.second;
    }
    progress_(fmt::format("{:.0f} of {:.0f} MB", got / 1e6, all / 1e6));
  }

  const std::function<void(const std::string&)>& progress_;
  std::string rest_, error_;
  std::map<std::string, std::pair<double, double>> layers_;
  Mono next_{};
};

}  // namespace

Result<ContainerEngine> ContainerEngine::At(const std::string& address) {
  if (!address.starts_with("unix:///"))
    return Fail(ErrorCode::kInvalid,
                fmt::format("the container engine's address {} is not of the form unix:///PATH", address));
  CROMT_ASSIGN(HttpClient client, HttpClient::ToSocket(address.substr(kUnix.size())));
  return ContainerEngine(address, std::move(client));
}

Result<HttpAnswer> ContainerEngine::Call(HttpRequest request) {
  request.target.insert(0, kApi);
  if (!request.body.empty()) request.headers.push_back("Content-Type: application/json");
  auto answer = client_.Call(request);
  if (!answer) return Fail("the container engine", std::move(answer).error());
  return answer;
}

Error ContainerEngine::Refused(const HttpAnswer& answer) const {
  std::string said = TextAt(Parsed(answer.body), "message");
  if (said.empty()) said = fmt::format("it answered with status {}", answer.status);
  return {CodeOf(answer.status), "the container engine: " + said};
}

Status ContainerEngine::Ping() {
  CROMT_ASSIGN(const HttpAnswer answer, Call({.target = "/_ping", .deadline = seconds(10)}));
  return answer.status == 200 ? Status() : Status(tl::unexpected<Error>(Refused(answer)));
}

Result<EngineImage> ContainerEngine::InspectImage(const std::string& image) {
  CROMT_ASSIGN(const HttpAnswer answer, Call({.target = fmt::format("/images/{}/json", HttpEscape(image))}));
  if (answer.status != 200) return tl::unexpected<Error>(Refused(answer));
  const Json json = Parsed(answer.body);
  EngineImage found{TextAt(json, "Id"), {}, {}};
  if (found.id.empty()) return Fail(ErrorCode::kInternal, "the container engine: an image without an id");
  if (const Json& digests = cromt::At(json, "RepoDigests");
      digests.is_array() && !digests.empty() && digests[0].is_string())
    found.digest = digests[0].get<std::string>();
  if (const Json& env = cromt::At(cromt::At(json, "Config"), "Env"); env.is_array())
    for (const Json& entry : env)
      if (entry.is_string()) found.env.push_back(entry.get<std::string>());
  return found;
}

Status ContainerEngine::PullImage(const std::string& image, const std::optional<RegistryLogin>& login,
                                  const std::function<void(const std::string&)>& progress,
                                  const std::function<bool()>& wanted) {
  const bool named = image.find('@') != image.npos ||
                     image.find(':', image.rfind('/') == image.npos ? 0 : image.rfind('/')) != image.npos;
  HttpRequest request{
      .method = "POST",
      .target = fmt::format("{}/images/create?fromImage={}{}", kApi, HttpEscape(image), named ? "" : "&tag=latest"),
      .wanted = wanted,
      .deadline = kMostPull};
  if (login) request.headers.push_back(AuthHeader(*login));
  PullLines lines(progress);
  auto answer = client_.Stream(request, [&](std::string_view bytes) {
    lines.Take(bytes);
    return true;
  });
  if (!answer) return Fail("the container engine", std::move(answer).error());
  if (answer->status != 200) return tl::unexpected<Error>(Refused(*answer));
  if (!lines.error().empty()) return Fail(ErrorCode::kNotFound, "the container engine: " + lines.error());
  return {};
}

Result<std::string> ContainerEngine::Create(const ContainerOrder& order) {
  Json labels = Json::object();
  for (const auto& [name, value] : order.labels) labels[name] = value;
  const Json body = {{"Image", order.image},
                     {"Entrypoint", Json::array({order.argv.front()})},
                     {"Cmd", std::vector<std::string>(order.argv.begin() + 1, order.argv.end())},
                     {"Env", order.env},
                     {"WorkingDir", order.directory},
                     {"User", order.user},
                     {"Labels", std::move(labels)},
                     {"AttachStdin", false},
                     {"AttachStdout", false},
                     {"AttachStderr", false},
                     {"StopSignal", "SIGTERM"},
                     {"Healthcheck", {{"Test", Json::array({"NONE"})}}},
                     {"HostConfig", HostConfigOf(order)}};
  std::string text;
  try {
    text = body.dump();
  } catch (const Json::exception& error) {  // what is not UTF-8
    return Fail(ErrorCode::kInvalid, fmt::format("the container can't be described: {}", error.what()));
  }
  CROMT_ASSIGN(const HttpAnswer answer, Call({.method = "POST",
                                              .target = "/containers/create?name=" + HttpEscape(order.name),
                                              .body = std::move(text),
                                              .deadline = std::chrono::minutes(5)}));
  if (answer.status != 201) return tl::unexpected<Error>(Refused(answer));
  return TextAt(Parsed(answer.body), "Id");
}

Status ContainerEngine::Start(const std::string& container) {
  CROMT_ASSIGN(const HttpAnswer answer, Call({.method = "POST",
                                              .target = fmt::format("/containers/{}/start", HttpEscape(container)),
                                              .deadline = std::chrono::minutes(5)}));
  if (answer.status == 204 || answer.status == 304) return {};
  return tl::unexpected<Error>(Refused(answer));
}

Result<int> ContainerEngine::Wait(const std::string& container) {
  CROMT_ASSIGN(const HttpAnswer answer, Call({.method = "POST",
                                              .target = fmt::format("/containers/{}/wait", HttpEscape(container)),
                                              .deadline = Duration(0)}));
  if (answer.status != 200) return tl::unexpected<Error>(Refused(answer));
  const Json json = Parsed(answer.body);
  const Json& code = cromt::At(json, "StatusCode");
  // An engine that is stopped ends its answers in the middle.
  if (!code.is_number_integer()) return Fail(ErrorCode::kUnavailable, "the container engine: its answer broke off");
  return code.get<int>();
}

Status ContainerEngine::Signal(const std::string& container, const std::string& signal) {
  CROMT_ASSIGN(
      const HttpAnswer answer,
      Call({.method = "POST",
            .target = fmt::format("/containers/{}/kill?signal={}", HttpEscape(container), HttpEscape(signal))}));
  return answer.status == 204 ? Status() : Status(tl::unexpected<Error>(Refused(answer)));
}

Result<ContainerState> ContainerEngine::Inspect(const std::string& container) {
  CROMT_ASSIGN(const HttpAnswer answer, Call({.target = fmt::format("/containers/{}/json", HttpEscape(container))}));
  if (answer.status != 200) return tl::unexpected<Error>(Refused(answer));
  const Json json = Parsed(answer.body);
  const Json& state = cromt::At(json, "State");
  const Json& code = cromt::At(state, "ExitCode");
  std::string name = TextAt(json, "Name");
  if (name.starts_with('/')) name.erase(0, 1);
  return ContainerState{.id = TextAt(json, "Id"),
                        .name = std::move(name),
                        .image = TextAt(json, "Image"),
                        .running = cromt::At(state, "Running") == true,
                        .oom_killed = cromt::At(state, "OOMKilled") == true,
                        .exit_code = code.is_number_integer() ? code.get<int>() : 0,
                        .error = TextAt(state, "Error"),
                        .read_only = cromt::At(cromt::At(json, "HostConfig"), "ReadonlyRootfs") == true,
                        .started_at = TextAt(state, "StartedAt")};
}

Status ContainerEngine::Remove(const std::string& container) {
  CROMT_ASSIGN(const HttpAnswer answer,
               Call({.method = "DELETE",
                     .target = fmt::format("/containers/{}?force=1&v=1", HttpEscape(container)),
                     .deadline = std::chrono::minutes(2)}));
  // 409: it is being removed already.
  if (answer.status == 204 || answer.status == 404 || answer.status == 409) return {};
  return tl::unexpected<Error>(Refused(answer));
}

Result<bool> ContainerEngine::HasPath(const std::string& container, const std::string& path) {
  CROMT_ASSIGN(
      const HttpAnswer answer,
      Call({.method = "HEAD",
            .target = fmt::format("/containers/{}/archive?path={}", HttpEscape(container), HttpEscape(path))}));
  if (answer.status == 200 || answer.status == 404) return answer.status == 200;
  return tl::unexpected<Error>(Refused(answer));
}

Result<std::vector<std::string>> ContainerEngine::WithLabel(const std::string& name, const std::string& value) {
  const Json filters = {{"label", Json::array({name + "=" + value})}};
  CROMT_ASSIGN(const HttpAnswer answer,
               Call({.target = "/containers/json?all=1&filters=" + HttpEscape(filters.dump())}));
  if (answer.status != 200) return tl::unexpected<Error>(Refused(answer));
  std::vector<std::string> ids;
  const Json json = Parsed(answer.body);
  if (json.is_array())
    for (const Json& container : json) ids.push_back(TextAt(container, "Id"));
  return ids;
}

}  // namespace cromt
