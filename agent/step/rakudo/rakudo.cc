#include "agent/step/rakudo/rakudo.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "agent/step/json_value.h"
#include "agent/step/rakudo/module_text.h"
#include "agent/step/scenario/functions.h"
#include "agent/step/task/environment.h"
#include "base/name.h"
#include "base/unique_fd.h"

namespace cromt::step {
namespace {

constexpr std::string_view kFolder = "rakudo";  // of the scratch
// By which the value of a configuration comes.
constexpr std::string_view kValueFunction = "cromt-value";
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

std::string FunctionNames() {
  std::string names = fmt::format("config tags os {}", kValueFunction);
  for (const DslFunction& function : kDslFunctions) names.append(" ").append(function.name);
  return names;
}

}  // namespace

// The other side of DSL.rakumod.
class Rakudo::Requests {
 public:
  explicit Requests(ScenarioHost& host) : host_(host) {}

  Status Open(const std::string& asked, const std::string& answered) {
    CROMT_ASSIGN(requests_, MakeFifo(asked));
    CROMT_ASSIGN(answers_, MakeFifo(answered));
    return {};
  }
  int fd() const { return requests_.get(); }
  // What kValueFunction was called with.
  std::optional<Value>& value() { return value_; }

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
    if (*name == kValueFunction && list->size() == 1) {
      value_ = list->front();
      return {};
    }
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
  std::optional<Value> value_;
};

Result<ChildStatus> Rakudo::RunWith(Requests& requests, std::vector<std::string> program) {
  CROMT_TRY(scratch_.Make());
  const std::string modules = fmt::format("{}/Sparrow6", kFolder);
  CROMT_TRY(scratch_.MakeDirectories(modules));
  CROMT_TRY(scratch_.Write(modules + "/DSL.rakumod", kRakudoModule));
  const std::string folder = fmt::format("{}/{}", scratch_.path(), kFolder);
  const std::string asked = folder + "/requests", answered = folder + "/answers";
  CROMT_TRY(requests.Open(asked, answered));
  const RequestPort port{requests.fd(), [&] { requests.Take(); }};
  program.insert(program.begin(), {"raku", "-I", folder, "-M", "Sparrow6::DSL"});
  return children_.Run(
      program,
      EnvironmentWith({{"CROMT_REQUESTS", asked}, {"CROMT_ANSWERS", answered}, {"CROMT_FUNCTIONS", FunctionNames()}}),
      output_, SIZE_MAX, &port);
}

Result<int> Rakudo::Run(const std::string& scenario, ScenarioHost& host) {
  Requests requests(host);
  CROMT_ASSIGN(const ChildStatus status, RunWith(requests, {scenario}));
  return status.signal != 0 ? kExitSignalBase + status.signal : status.exit_code;
}

Result<Map> Rakudo::Evaluate(const std::string& config, ScenarioHost& host) {
  Requests requests(host);
  CROMT_ASSIGN(const ChildStatus status,
               RunWith(requests, {"-e", fmt::format("{} EVALFILE @*ARGS[0]", kValueFunction), config}));
  if (status.signal != 0 || status.exit_code != 0)
    return Fail(ErrorCode::kInvalid, fmt::format("rakudo could not evaluate it: {}",
                                                 status.signal != 0 ? fmt::format("killed by signal {}", status.signal)
                                                                    : fmt::format("exit code {}", status.exit_code)));
  Map* map = requests.value() ? std::get_if<Map>(&requests.value()->form) : nullptr;
  if (!map) return Fail(ErrorCode::kInvalid, "the configuration is no map");
  return std::move(*map);
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
