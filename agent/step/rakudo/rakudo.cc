#include "agent/step/rakudo/rakudo.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/step/json_value.h"
#include "agent/step/rakudo/module_text.h"
#include "agent/step/scenario/functions.h"
#include "agent/step/task/environment.h"
#include "base/name.h"
#include "base/unique_fd.h"

namespace cromt::step {
namespace {

constexpr std::string_view kFolder = "rakudo";  // of the scratch
constexpr size_t kMaxRequestBytes = 4 << 20;
constexpr int kAnswerPatienceMs = 10'000;
constexpr int kExitFailed = 1;
constexpr int kExitSignalBase = 128;

// Both ends are ours to open, so that nobody waits for the other to do so.
Result<UniqueFd> MakeFifo(const std::string& path) {
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), 0600) != 0) return tl::unexpected(ErrnoError(Quote(path), errno));
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return tl::unexpected(ErrnoError(Quote(path), errno));
  return fd;
}

// The other side of DSL.rakumod.
class Requests {
 public:
  Requests(UniqueFd requests, UniqueFd answers, ScenarioHost& host)
      : requests_(std::move(requests)), answers_(std::move(answers)), host_(host) {}

  int fd() const { return requests_.get(); }

  // One request at most waits: who asked is held until the answer.
  void Take() {
    char buffer[4096];
    for (ssize_t n; (n = ::read(requests_.get(), buffer, sizeof buffer)) > 0;)
      if (text_.size() < kMaxRequestBytes) text_.append(buffer, static_cast<size_t>(n));
    if (text_.size() >= kMaxRequestBytes) text_ = "\n";  // no JSON: refused below
    if (!text_.ends_with('\n')) return;
    const DslOutcome outcome = Do(std::exchange(text_, {}));
    Answer(fmt::format("{}\n", JsonText({{"exit", {int64_t{outcome.exit_code}}}, {"value", outcome.value}})));
  }

 private:
  DslOutcome Do(const std::string& text) {
    auto request = ParseJson(text);
    const Map* map = request ? std::get_if<Map>(&request->form) : nullptr;
    auto get = [&](std::string_view key) { return map && Find(*map, key) ? *Find(*map, key) : Value{}; };
    const Value function = get("function"), line = get("line"), arguments = get("arguments");
    const auto* name = std::get_if<std::string>(&function.form);
    const auto* list = std::get_if<List>(&arguments.form);
    if (!name || !list) return {.exit_code = kExitFailed};
    if (*name == "config") return {.value = host_.Config()};
    if (*name == "tags") return {.value = host_.Tags()};
    if (*name == "os") return {.value = {host_.Os()}};
    const auto* number = std::get_if<int64_t>(&line.form);
    const int at = number ? static_cast<int>(std::clamp<int64_t>(*number, 1, INT32_MAX)) : 1;
    return host_.Call({.at = {at, 1}, .function = *name, .arguments = *list});
  }

  // It may be gone: then nobody reads.
  void Answer(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(answers_.get(), text.data(), text.size());
      if (n > 0) text.remove_prefix(static_cast<size_t>(n));
      if (n >= 0 || errno == EINTR) continue;
      pollfd writable{.fd = answers_.get(), .events = POLLOUT};
      if (errno != EAGAIN || ::poll(&writable, 1, kAnswerPatienceMs) == 0) return;
    }
  }

  UniqueFd requests_, answers_;
  ScenarioHost& host_;
  std::string text_;
};

std::string FunctionNames() {
  std::string names = "config tags os";
  for (const DslFunction& function : kDslFunctions) names.append(" ").append(function.name);
  return names;
}

}  // namespace

Result<int> Rakudo::Run(const std::string& scenario, ScenarioHost& host) {
  CROMT_TRY(scratch_.Make());
  const std::string modules = fmt::format("{}/Sparrow6", kFolder);
  CROMT_TRY(scratch_.MakeDirectories(modules));
  CROMT_TRY(scratch_.Write(modules + "/DSL.rakumod", kRakudoModule));
  const std::string folder = fmt::format("{}/{}", scratch_.path(), kFolder);
  const std::string asked = folder + "/requests", answered = folder + "/answers";
  CROMT_ASSIGN(UniqueFd requests_fd, MakeFifo(asked));
  CROMT_ASSIGN(UniqueFd answers_fd, MakeFifo(answered));
  Requests requests(std::move(requests_fd), std::move(answers_fd), host);
  const RequestPort port{requests.fd(), [&] { requests.Take(); }};
  CROMT_ASSIGN(const ChildStatus status, children_.Run({"raku", "-I", folder, "-M", "Sparrow6::DSL", scenario},
                                                       EnvironmentWith({{"CROMT_REQUESTS", asked},
                                                                        {"CROMT_ANSWERS", answered},
                                                                        {"CROMT_FUNCTIONS", FunctionNames()}}),
                                                       output_, SIZE_MAX, &port));
  return status.signal != 0 ? kExitSignalBase + status.signal : status.exit_code;
}

bool IsInPath(const std::string& program) {
  const char* path = ::getenv("PATH");
  std::string_view rest = path ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = fmt::format("{}/{}", end == 0 ? "." : rest.substr(0, end), program);
    if (::access(file.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace cromt::step
