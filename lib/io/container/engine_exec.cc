// Processes and files in a container that runs already.
#include <fmt/format.h>
#include <poll.h>

#include <nlohmann/json.hpp>

#include "io/container/engine.h"
#include "io/container/stream_frames.h"

namespace cromt {
namespace {

using Json = nlohmann::json;

constexpr Duration kMostPut = std::chrono::hours(2);
// An engine says that a process has ended a moment after its output has.
constexpr int kEndPauseMs = 5;
constexpr int kMostPauses = 2000;

Error Forgotten() {
  return {ErrorCode::kUnavailable, "the container engine has forgotten the process, as it does when it is restarted"};
}

}  // namespace

Result<std::string> ContainerEngine::MakeExec(const std::string& container, const ExecOrder& order) {
  Json body = {{"AttachStdin", false}, {"AttachStdout", true}, {"AttachStderr", true}, {"Tty", false},
               {"Cmd", order.argv},    {"Env", order.env},     {"User", order.user}};
  if (!order.directory.empty()) body["WorkingDir"] = order.directory;
  std::string text;
  try {
    text = body.dump();
  } catch (const Json::exception& error) {  // what is not UTF-8
    return Fail(ErrorCode::kInvalid, fmt::format("the process can't be described: {}", error.what()));
  }
  CROMT_ASSIGN(const HttpAnswer answer, Call({.method = "POST",
                                              .target = fmt::format("/containers/{}/exec", HttpEscape(container)),
                                              .body = std::move(text)}));
  const Json json = Json::parse(answer.body, nullptr, false);
  if (answer.status != 201) return tl::unexpected<Error>(Refused(answer));
  if (!json.is_object() || !json.contains("Id") || !json["Id"].is_string())
    return Fail(ErrorCode::kInternal, "the container engine: a process without an id");
  return json["Id"].get<std::string>();
}

Result<int> ContainerEngine::ExitCodeOf(const std::string& exec) {
  for (int pauses = 0; pauses < kMostPauses; ++pauses) {
    CROMT_ASSIGN(const HttpAnswer answer, Call({.target = fmt::format("/exec/{}/json", HttpEscape(exec))}));
    if (answer.status == 404) return tl::unexpected<Error>(Forgotten());
    if (answer.status != 200) return tl::unexpected<Error>(Refused(answer));
    const Json json = Json::parse(answer.body, nullptr, false);
    if (!json.is_object()) break;
    if (json.value("Running", false) == false && json.contains("ExitCode") && json["ExitCode"].is_number_integer())
      return json["ExitCode"].get<int>();
    // Nobody tells when it has.
    ::poll(nullptr, 0, kEndPauseMs);
  }
  return tl::unexpected<Error>(Forgotten());
}

Result<int> ContainerEngine::Exec(const std::string& container, const ExecOrder& order, const ExecSink& sink) {
  CROMT_ASSIGN(const std::string exec, MakeExec(container, order));
  StreamFrames frames;
  bool readable = true, wanted = true;
  const HttpRequest start{.method = "POST",
                          .target = fmt::format("{}/exec/{}/start", kApi, HttpEscape(exec)),
                          .headers = {"Content-Type: application/json"},
                          .body = R"({"Detach":false,"Tty":false})",
                          .deadline = Duration(0)};
  auto answer = client_.Stream(start, [&](std::string_view bytes) {
    readable = frames.Take(bytes, [&](int stream, std::string_view some) { wanted = wanted && sink(stream, some); });
    return readable && wanted;
  });
  if (!readable) return Fail(ErrorCode::kInternal, "the container engine: what a process printed is not readable");
  if (!answer) return Fail("the container engine", std::move(answer).error());
  if (answer->status != 200) {
    Error error = Refused(*answer);
    if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kInvalid;
    return tl::unexpected<Error>(std::move(error));
  }
  return ExitCodeOf(exec);
}

Status ContainerEngine::PutArchive(const std::string& container, const std::string& directory,
                                   const HttpRequest::Source& source) {
  CROMT_ASSIGN(const HttpAnswer answer,
               Call({.method = "PUT",
                     .target = fmt::format("/containers/{}/archive?path={}&noOverwriteDirNonDir=1",
                                           HttpEscape(container), HttpEscape(directory)),
                     .headers = {"Content-Type: application/x-tar"},
                     .source = source,
                     .deadline = kMostPut}));
  return answer.status == 200 ? Status() : Status(tl::unexpected<Error>(Refused(answer)));
}

}  // namespace cromt
