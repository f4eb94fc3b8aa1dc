#include "core/model.h"

#include <array>

#include "base/name.h"

namespace cromt {
namespace {

// One table per enum, in the order of its values: the words of YAML, JSON, SQL and CLI.
constexpr std::array<std::string_view, 10> kTaskStates = {"waiting",     "ready",   "retry_wait", "leased",
                                                          "preparing",   "running", "publishing", "stopping",
                                                          "unreachable", "finished"};
constexpr std::array<std::string_view, 7> kTaskOutcomes = {"succeeded", "failed",  "timed_out",    "canceled",
                                                           "lost",      "skipped", "stopped_early"};
constexpr std::array<std::string_view, 3> kSandboxes = {"off", "standard", "strict"};
constexpr std::array<std::string_view, 3> kWhens = {"success", "failure", "always"};
constexpr std::array<std::string_view, 3> kRunStates = {"queued", "running", "finished"};
constexpr std::array<std::string_view, 4> kRunOutcomes = {"succeeded", "failed", "timed_out", "canceled"};
constexpr std::array<std::string_view, 6> kTriggers = {"manual", "cron", "scm", "api", "hook", "rerun"};
constexpr std::array<std::string_view, 6> kResultKinds = {"exited",      "stopped", "timed_out",
                                                          "not_started", "lost",    "not_published"};

template <class Enum, size_t N>
std::optional<Enum> Find(const std::array<std::string_view, N>& words, std::string_view text) {
  for (size_t i = 0; i < N; ++i)
    if (words[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

template <class Enum, size_t N>
std::string_view Word(const std::array<std::string_view, N>& words, Enum value) {
  return words.at(static_cast<size_t>(value));
}

}  // namespace

std::string_view ToString(Sandbox sandbox) {
  return Word(kSandboxes, sandbox);
}
std::optional<Sandbox> SandboxFrom(std::string_view word) {
  return Find<Sandbox>(kSandboxes, word);
}

Status CheckUserName(std::string_view text) {
  constexpr size_t kMost = 32;  // as utmp has it
  if (IsName(text) && text.size() <= kMost && (text.front() < '0' || text.front() > '9')) return {};
  return Fail(ErrorCode::kInvalid, Quote(text) + " is no user's name");
}

size_t BytesOf(const TaskSpec& spec) {
  size_t bytes = sizeof spec + spec.host_gaps.size() * sizeof(HostGap);
  auto add = [&bytes](const std::string& text) { bytes += sizeof text + text.size(); };
  for (const auto& [name, value] : spec.variables) add(name), add(value);
  for (const ArtifactOut& out : spec.publishes) add(out.name), add(out.path);
  add(spec.confinement.user);
  for (const SecretUse& use : spec.secrets) add(use.name), add(use.env), add(use.file), add(use.registry);
  if (spec.container) bytes += BytesOf(*spec.container);
  if (const auto* script = std::get_if<Script>(&spec.work)) add(script->text);
  if (const auto* command = std::get_if<Command>(&spec.work))
    for (const std::string& word : command->argv) add(word);
  if (const auto* actions = std::get_if<Actions>(&spec.work))
    for (const auto* words : {&actions->names, &actions->options})
      for (const std::string& word : *words) add(word);
  return bytes;
}

int ShellCode(const ExitStatus& status) {
  if (const auto* exited = std::get_if<Exited>(&status)) return exited->code;
  return 128 + std::get<Signaled>(status).signal;
}

bool IsFailure(TaskOutcome outcome) {
  return outcome == TaskOutcome::kFailed || outcome == TaskOutcome::kTimedOut || outcome == TaskOutcome::kLost;
}

bool InFlight(TaskState state) {
  switch (state) {
    case TaskState::kLeased:
    case TaskState::kPreparing:
    case TaskState::kRunning:
    case TaskState::kPublishing:
    case TaskState::kStopping:
    case TaskState::kUnreachable: return true;
    case TaskState::kWaiting:
    case TaskState::kReady:
    case TaskState::kRetryWait:
    case TaskState::kFinished: return false;
  }
  return false;
}

std::string_view ToString(TaskState state) {
  return Word(kTaskStates, state);
}
std::string_view ToString(TaskOutcome outcome) {
  return Word(kTaskOutcomes, outcome);
}
std::string_view ToString(When when) {
  return Word(kWhens, when);
}
std::string_view ToString(RunState state) {
  return Word(kRunStates, state);
}
std::string_view ToString(RunOutcome outcome) {
  return Word(kRunOutcomes, outcome);
}
std::string_view ToString(Trigger trigger) {
  return Word(kTriggers, trigger);
}
std::string_view ToString(AttemptResult::Kind kind) {
  return Word(kResultKinds, kind);
}

std::optional<TaskState> TaskStateFrom(std::string_view text) {
  return Find<TaskState>(kTaskStates, text);
}
std::optional<TaskOutcome> TaskOutcomeFrom(std::string_view text) {
  return Find<TaskOutcome>(kTaskOutcomes, text);
}
std::optional<When> WhenFrom(std::string_view text) {
  return Find<When>(kWhens, text);
}
std::optional<RunState> RunStateFrom(std::string_view text) {
  return Find<RunState>(kRunStates, text);
}
std::optional<RunOutcome> RunOutcomeFrom(std::string_view text) {
  return Find<RunOutcome>(kRunOutcomes, text);
}
std::optional<Trigger> TriggerFrom(std::string_view text) {
  return Find<Trigger>(kTriggers, text);
}

}  // namespace cromt
