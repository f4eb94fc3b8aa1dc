#include "agent/container_start.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <filesystem>

#include "agent/container/order.h"
#include "agent/job_secrets.h"
#include "base/size.h"
#include "base/unique_fd.h"
#include "core/host_gaps.h"
#include "io/config/read_file.h"
#include "io/process/data_dir.h"
#include "io/process/run_program.h"

namespace cromt {
namespace {

// More than cromt-container takes to stop its container and remove it, after the job's own grace.
constexpr Duration kRunnerGrace = seconds(3);
constexpr Duration kRemovePatience = seconds(10);

std::string EngineSocket(const std::string& address) {
  constexpr std::string_view kUnix = "unix://";
  return address.starts_with(kUnix) ? address.substr(kUnix.size()) : "";
}

// The box, empty.
Status MakeBox(const std::string& box) {
  std::error_code error;
  std::filesystem::remove_all(box, error);
  if (::mkdir(box.c_str(), 0700) == 0) return {};
  return tl::unexpected<Error>(ErrnoError("can't make " + box, errno));
}

Result<container::Outcome> OutcomeOf(const std::string& box) {
  constexpr size_t kMost = 1 << 20;
  CROMT_ASSIGN(const std::string text, ReadFile(container::ResultPath(box), kMost));
  return container::OutcomeFromJson(text);
}

// Of what is left of the container, or in one: by a program, which may be killed while it waits for the engine.
Status RemoveContainer(const std::string& engine, const std::string& program, const std::string& name,
                       const std::string& box) {
  if (RunProgram({program, "--remove", engine, name, box}, kRemovePatience)) return {};
  return Fail(ErrorCode::kUnavailable,
              fmt::format("what is left of the container {} can't be removed by the engine at {}", name, engine));
}

// The job's user on the host, whose the workspace is.
std::string OwnerOf(const JobSettings& settings) {
  return settings.become ? fmt::format("{}:{}", settings.become->uid, settings.become->gid)
                         : fmt::format("{}:{}", ::geteuid(), ::getegid());
}

std::vector<EngineMount> OwnMounts(const TaskSpec& spec, const JobSettings& settings, const ContainerPlaces& places) {
  std::vector<EngineMount> mounts = {{places.directory, container::kWorkspace, false},
                                     {settings.step_program, container::kStep, true},
                                     {container::IoPath(places.box), container::kIo, true}};
  if (!places.script.empty()) mounts.push_back({places.script, container::kScript, true});
  if (HasSecretFiles(spec)) mounts.push_back({container::SecretsPath(places.box), container::kSecrets, true});
  return mounts;
}

std::vector<std::pair<std::string, std::string>> LabelsOf(const QueuedAttempt& attempt) {
  return {{"cromt.run", attempt.id.run.text()},
          {"cromt.project", attempt.spec->project},
          {"cromt.task", std::to_string(attempt.id.task + 1)},
          {"cromt.attempt", std::to_string(attempt.id.attempt)},
          {"cromt.mesh", attempt.mesh.text()}};
}

// The number of a user that only the image knows nobody here can say, so he can't be given what is his to run.
Status MayRunScript(const std::string& user) {
  const bool known = user.empty() || user == "root" || user.starts_with("root:") || std::isdigit(user.front());
  if (known) return {};
  return Fail(ErrorCode::kInvalid, "container.user: " + user +
                                       " can't be given the script of this job, since only the image knows his number: "
                                       "write that, as in 'user: 1000'");
}

// By a secret that the task names for this registry, else by what the agent's configuration has.
Result<std::optional<RegistryLogin>> LoginOf(const QueuedAttempt& attempt, const ContainerSettings& containers) {
  const std::string& image = attempt.spec->container->image;
  const std::string registry = RegistryOf(image);
  for (const SecretUse& use : attempt.spec->secrets) {
    if (use.registry != registry) continue;
    const std::string& value = *FindSecret(attempt.secrets, use.name);
    const size_t colon = value.find(':');
    if (colon == value.npos || colon == 0)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("secret '{}', for the registry {}, does not hold USER:PASSWORD", use.name, registry));
    return std::optional(RegistryLogin{registry, value.substr(0, colon), value.substr(colon + 1)});
  }
  return LoginFor(image, containers);
}

// As a job does it in a container: what is missing there is named, or installed.
std::vector<std::string> ArgvInside(std::vector<std::string> argv, const TaskSpec& spec, const std::string& step) {
  if (std::holds_alternative<Actions>(spec.work)) argv.insert(argv.begin() + 1, "--in-container");
  if (spec.container->bootstrap) argv.insert(argv.begin(), {step, "--inside", "bootstrap"});
  return argv;
}

// For where the container runs already that the job names.
Result<container::EntryOrder> EntryOf(const QueuedAttempt& attempt, uint32_t slot, const JobSettings& settings,
                                      const ContainerSettings& containers, const ContainerPlaces& places) {
  const Container& wanted = *attempt.spec->container;
  container::EntryOrder entry;
  entry.name = wanted.existing;
  if (const Status may = MayEnter(entry.name, containers.policy); !may) entry.refusal = may.error().message;
  if (const std::string keys = KeysOfFresh(wanted, attempt.spec->limits); entry.refusal.empty() && !keys.empty())
    entry.refusal = fmt::format(
        "a container named {} runs, and one that runs can't be given {}; leave that out, or name the image by "
        "'image' for a fresh one",
        entry.name, keys);
  entry.place = "/." + container::ContainerName(places.agent, slot);
  JobSettings inside = settings;
  inside.of_image = true;
  inside.step_program = entry.place + "/step";
  inside.home = entry.place + "/workspace";
  CROMT_ASSIGN(launcher::Start start,
               MakeStart(attempt, slot, inside, inside.home, places.script.empty() ? "" : entry.place + "/script"));
  entry.argv = ArgvInside(std::move(start.argv), *attempt.spec, inside.step_program);
  entry.env = std::move(start.env);
  entry.env.push_back("CROMT_ATTEMPT_MARK=" + start.mark);
  if (HasSecretFiles(*attempt.spec) && entry.refusal.empty())
    entry.refusal = fmt::format(
        "a container named {} runs, and no files of secrets can be put into one that runs; take them by 'env', or name "
        "the image by 'image' for a fresh one",
        entry.name);
  for (std::string& variable : SecretVariables(attempt, "")) entry.env.push_back(std::move(variable));
  entry.user = wanted.user;
  entry.mark = start.mark;
  entry.workspace = places.directory;
  entry.step = settings.step_program;
  entry.script = places.script;
  return entry;
}

}  // namespace

Result<launcher::Start> MakeContainerStart(const QueuedAttempt& attempt, uint32_t slot, const JobSettings& settings,
                                           const ContainerSettings& containers, const ContainerPlaces& places) {
  const Container& wanted = *attempt.spec->container;
  const bool is_root = ::geteuid() == 0;
  CROMT_TRY(Allowed(wanted, containers.policy, is_root));
  if (!places.script.empty() && wanted.existing.empty()) CROMT_TRY(MayRunScript(wanted.user));
  CROMT_ASSIGN(auto mounts,
               ResolveMounts(wanted, containers.policy, places.directory, EngineSocket(containers.engine)));
  JobSettings inside = settings;
  inside.of_image = true;
  inside.step_program = container::kStep;
  inside.home = container::kWorkspace;
  QueuedAttempt filled = attempt;
  CROMT_ASSIGN(filled.spec, FillHere(attempt.spec, settings));
  CROMT_ASSIGN(launcher::Start start,
               MakeStart(filled, slot, inside, container::kWorkspace, places.script.empty() ? "" : container::kScript));

  container::Order order;
  order.engine = containers.engine;
  order.image = wanted.image;
  if (!wanted.existing.empty()) {
    CROMT_ASSIGN(order.entry, EntryOf(filled, slot, settings, containers, places));
  }
  order.pull = wanted.pull;
  CROMT_ASSIGN(order.login, LoginOf(attempt, containers));
  order.records = start.records;
  order.grace = attempt.spec->grace;
  if (const std::string& program = start.argv.front(); program.starts_with('/') && program != container::kStep)
    order.needs = program == container::kScript ? "" : program;
  ContainerOrder& box = order.container;
  box.name = container::ContainerName(places.agent, slot);
  box.labels = LabelsOf(attempt);
  box.argv = {container::kStep, "--init", container::kIo, "--"};
  const auto argv = ArgvInside(std::move(start.argv), *filled.spec, container::kStep);
  box.argv.insert(box.argv.end(), argv.begin(), argv.end());
  box.env = std::move(start.env);
  box.env.push_back("CROMT_ATTEMPT_MARK=" + start.mark);  // by which what is left of it is found
  box.directory = container::kWorkspace;
  box.user = wanted.user.empty() ? OwnerOf(settings) : wanted.user;
  // Of the agent's own jobs the workspace is theirs already; a directory used in place stays whose it is.
  if (is_root && !wanted.user.empty()) {
    if (attempt.spec->source.directory.empty()) order.give.push_back(places.directory);
    if (!places.script.empty()) order.give.push_back(places.script);
  }
  box.mounts = OwnMounts(*attempt.spec, settings, places);
  box.mounts.insert(box.mounts.end(), mounts.begin(), mounts.end());
  box.network = wanted.network;
  box.pid = wanted.pid;
  box.ipc = wanted.ipc;
  box.read_only = wanted.read_only;
  box.privileged = wanted.privileged;
  box.no_new_privileges = !is_root && !containers.policy.root && !wanted.privileged;
  box.capabilities = wanted.capabilities;
  box.devices = wanted.devices;
  box.limits = Least(attempt.spec->limits, settings.limits);
  CROMT_TRY(MakeBox(places.box));
  if (::mkdir(container::IoPath(places.box).c_str(), 0711) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make " + container::IoPath(places.box), errno));
  if (!attempt.spec->secrets.empty())
    CROMT_TRY(WriteSecretsForContainer(attempt, container::SecretsPath(places.box), container::kSecrets,
                                       container::VariablesPath(places.box)));
  HideSecrets(start, attempt);
  CROMT_ASSIGN(const std::string text, container::ToJson(order));
  CROMT_TRY(WriteFileAtomic(container::OrderPath(places.box), text));

  start.argv = {places.program, places.box};
  start.env = {"PATH=" + settings.path};
  start.cwd = "/";
  start.limits = {};  // they are the container's
  start.grace_us += static_cast<uint64_t>(kRunnerGrace.count());
  return start;
}

std::string HowContainerEnded(const std::string& box, const Resources& limits, bool killed) {
  const auto outcome = OutcomeOf(box);
  if (outcome && !outcome->error.empty()) return outcome->error;
  if (!outcome) return "";
  if (outcome->oom_killed) return OutOfMemory(limits);
  if (!killed || limits.memory_bytes == 0) return "";
  return fmt::format("killed, maybe for want of memory: its limit is {}", FormatSize(limits.memory_bytes));
}

std::string ImageThatRan(const std::string& box) {
  const auto outcome = OutcomeOf(box);
  if (!outcome) return "";
  for (const std::string& digest : {outcome->digest, outcome->image_id})
    if (CheckImageDigest(digest)) return digest;
  return "";
}

Status EmptyBox(const ContainerSettings& containers, const ContainerPlaces& places, uint32_t slot) {
  const auto outcome = OutcomeOf(places.box);
  if (!outcome || !outcome->removed)
    CROMT_TRY(
        RemoveContainer(containers.engine, places.program, container::ContainerName(places.agent, slot), places.box));
  std::error_code error;
  std::filesystem::remove_all(places.box, error);
  if (error) return Fail(ErrorCode::kInternal, fmt::format("can't remove {}: {}", places.box, error.message()));
  return {};
}

}  // namespace cromt
