#include "agent/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <filesystem>

#include "agent/agent.h"
#include "agent/doctor/doctor.h"
#include "agent/service/agent_service.h"
#include "agent/service/join.h"
#include "agent/service/mesh_member.h"
#include "agent/step/plugin/plugin_pins.h"
#include "base/core_dump.h"
#include "base/name.h"
#include "base/service_manager.h"
#include "base/size.h"
#include "base/version.h"
#include "io/config/retention_settings.h"
#include "io/config/settings.h"
#include "io/log/log.h"
#include "io/process/signals.h"
#include "io/rpc/prepare.h"
#include "io/rpc/server.h"

namespace cromt {
namespace {

struct Flags {
  std::string listen;
  std::string data_dir;
  uint32_t slots = 0;
  std::vector<std::string> labels;
  std::string config;
  bool insecure = false;
  std::string cgroup;
  std::string launcher;
  std::string output = "text";  // of `doctor`
  JoinCommand join;
};

constexpr char kLocalListen[] = "127.0.0.1:4000";
constexpr char kMeshListen[] = "0.0.0.0:4000";  // the default of a member, since its callers show who they are
constexpr char kServiceConfig[] = "/etc/cromt/agent.yaml";
constexpr int64_t kMostPids = 4'194'304;  // the kernel's

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"listen", SettingKind::kText},
    {"data-dir", SettingKind::kText},
    {"slots", SettingKind::kNumber},
    {"label", SettingKind::kList},
    {"insecure", SettingKind::kFlag},
    {"cgroup", SettingKind::kText},
    {"launcher", SettingKind::kText},
    {"blob-quota", SettingKind::kText},
    {"disk_guard.warn", SettingKind::kNumber},
    {"disk_guard.stop", SettingKind::kNumber},
    {"env", SettingKind::kMap},
    {"plugin_dirs", SettingKind::kList},
    {"plugin_repository.url", SettingKind::kText},
    {"plugin_repository.plugins", SettingKind::kMap},
    {"containers.engine", SettingKind::kText},
    {"containers.allow", SettingKind::kList},
    {"containers.registries", SettingKind::kMap},
    {"job_user", SettingKind::kText},
    {"run_as", SettingKind::kList},
    {"sandbox", SettingKind::kText},
    {"resources.memory", SettingKind::kText},
    {"resources.cpus", SettingKind::kText},
    {"resources.pids", SettingKind::kNumber},
});

void AddFlags(CLI::App& app, Flags& flags) {
  app.description("The agent of a host: a queue of jobs, served over gRPC, run under cromt-launcher.");
  app.set_version_flag("--version", fmt::format("cromt-agent {}", VersionText()));
  app.add_option(
         "--listen", flags.listen,
         "Address to serve (default 127.0.0.1:4000, of a member of a mesh 0.0.0.0:4000; port 0 picks a free one)")
      ->type_name("HOST:PORT");
  app.add_option("--data-dir", flags.data_dir, "Journal, logs, workspaces (default $XDG_STATE_HOME/cromt/agent)")
      ->type_name("DIR");
  app.add_option("--slots", flags.slots, "Jobs at a time (default max(8, 2 x cores))")->check(CLI::Range(1, 4096));
  app.add_option("--label", flags.labels, "Fact about this host, as os=debian; may be repeated")->type_name("K=V");
  app.add_option("--config", flags.config, "YAML file with any of these flags as keys, and `env`")->type_name("FILE");
  app.add_option("--cgroup", flags.cgroup, "Cgroup for the jobs, or none (default: below the agent's own)")
      ->type_name("PATH");
  app.add_option("--launcher", flags.launcher,
                 "Who starts cromt-launcher: agent, or service: a unit of its own (default agent)")
      ->type_name("WHO");
  app.add_flag("--insecure", flags.insecure, "Allow to listen beyond loopback in plaintext, without authentication");
  app.footer("Jobs outlive the agent: stop or replace it at any time and start it again on the same --data-dir.");
}

CLI::App* AddJoin(CLI::App& app, Flags& flags) {
  CLI::App* join = app.add_subcommand("join", "Make this host a member of a mesh, by an invitation");
  join->fallthrough();  // --data-dir, --config and --listen may come after it, too
  join->add_option("COORDINATOR", flags.join.coordinator, "Where the coordinator is")->type_name("")->required();
  join->add_option("--ca-fingerprint", flags.join.fingerprint, "Of the mesh's authority, as the invitation says it")
      ->type_name("HEX");
  join->add_option("--name", flags.join.name, "As this host was invited (default: its name)")->type_name("HOST");
  join->add_option("--token-file", flags.join.token_file, "Has the invitation's token (default: standard input)")
      ->type_name("FILE");
  return join;
}

// Looks at the host instead of serving.
CLI::App* AddDoctor(CLI::App& app, Flags& flags) {
  CLI::App* doctor = app.add_subcommand("doctor", "Check this host: say what is wrong with it, and what to do");
  doctor->fallthrough();  // --data-dir and --config may come after it, too
  doctor->add_option("-o,--output", flags.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  return doctor;
}

// Where cromt-step looks for plugins, as it is told by variables of the jobs.
Status AddPlugins(const Settings& settings, AgentOptions& options) {
  std::string plugin_dirs;
  for (const std::string& dir : settings.List("plugin_dirs")) {
    if (!dir.starts_with('/') || dir.find(':') != dir.npos)
      return Fail(ErrorCode::kInvalid, "plugin_dirs: " + Quote(dir) + ": write an absolute path without a colon");
    plugin_dirs += (plugin_dirs.empty() ? "" : ":") + dir;
  }
  if (!plugin_dirs.empty()) options.env.emplace_back("CROMT_PLUGIN_DIRS", plugin_dirs);
  const auto plugins = settings.Map("plugin_repository.plugins");
  const auto url = settings.Text("plugin_repository.url");
  if (!url && !plugins.empty()) return Fail(ErrorCode::kInvalid, "plugin_repository: it has no url");
  if (!url) return {};
  CROMT_ASSIGN(const step::PluginPins pins, step::MakePluginPins(*url, plugins));
  options.env.emplace_back(step::kPluginRepositoryVariable, step::ToVariable(pins));
  return {};
}

Status AddContainers(const Settings& settings, ContainerSettings& containers) {
  containers.engine = EngineAddress(settings.Text("containers.engine").value_or(""));
  if (!containers.engine.starts_with("unix:///"))
    return Fail(ErrorCode::kInvalid, "containers.engine: " + Quote(containers.engine) + ": write unix:///PATH");
  CROMT_ASSIGN(containers.policy, ParsePolicy(settings.List("containers.allow")));
  containers.logins = settings.Map("containers.registries");
  return {};
}

// What no job exceeds.
Status AddLimits(const Settings& settings, Resources& limits) {
  if (auto memory = settings.Text("resources.memory")) {
    auto bytes = ParseSize(*memory);
    if (!bytes || *bytes <= 0) return Fail(ErrorCode::kInvalid, "resources.memory: " + Quote(*memory) + ": write 2GiB");
    limits.memory_bytes = *bytes;
  }
  if (auto cpus = settings.Text("resources.cpus")) {
    auto permille = ParseCpus(*cpus);
    if (!permille) return Fail("resources.cpus", permille.error());
    limits.cpu_permille = *permille;
  }
  const int64_t pids = settings.Number("resources.pids").value_or(0);
  if (pids < 0 || pids > kMostPids)
    return Fail(ErrorCode::kInvalid, fmt::format("resources.pids: from 1 to {}", kMostPids));
  limits.pids = static_cast<uint32_t>(pids);
  return {};
}

Status AddUsers(const Settings& settings, UserPolicy& users) {
  users.job_user = settings.Text("job_user").value_or("");
  if (!users.job_user.empty())
    if (Status good = CheckUserName(users.job_user); !good) return Fail("job_user", good.error());
  users.run_as = settings.List("run_as");
  for (const std::string& name : users.run_as)
    if (name != "*")
      if (Status good = CheckUserName(name); !good) return Fail("run_as", good.error());
  const std::string least = settings.Text("sandbox").value_or("off");
  const auto sandbox = SandboxFrom(least);
  if (!sandbox) return Fail(ErrorCode::kInvalid, "sandbox: " + Quote(least) + ": write off, standard or strict");
  users.least = *sandbox;
  return {};
}

// Nothing else named, it is the host's own service that is meant.
bool MeantIsTheService(Flags& flags) {
  if (!flags.config.empty() || !flags.data_dir.empty() || ::access(kServiceConfig, R_OK) != 0) return false;
  flags.config = kServiceConfig;
  flags.data_dir = "/var/lib/cromt-agent";
  flags.launcher = "service";
  return true;
}

Status MergeDataDir(Flags& flags) {
  CROMT_ASSIGN(const Settings settings, LoadSettings(flags.config, kKeys, !flags.config.empty()));
  if (flags.data_dir.empty()) flags.data_dir = settings.Text("data-dir").value_or(StateDir("agent"));
  flags.data_dir = std::filesystem::absolute(flags.data_dir);  // jobs have other working directories than we
  return {};
}

// Flags over config file over defaults. `mesh` null: it is not known.
Result<AgentOptions> Merge(Flags& flags, const MeshMember* mesh) {
  CROMT_ASSIGN(Settings settings, LoadSettings(flags.config, kKeys, !flags.config.empty()));
  const bool is_member = mesh && mesh->member();
  if (flags.listen.empty()) flags.listen = settings.Text("listen").value_or(is_member ? kMeshListen : kLocalListen);
  if (auto slots = settings.Number("slots"); slots && flags.slots == 0) {
    if (*slots < 1 || *slots > 4096) return Fail(ErrorCode::kInvalid, flags.config + ": slots: from 1 to 4096");
    flags.slots = static_cast<uint32_t>(*slots);
  }
  if (flags.labels.empty()) flags.labels = settings.List("label");
  if (flags.cgroup.empty()) flags.cgroup = settings.Text("cgroup").value_or("");
  flags.insecure = flags.insecure || settings.Flag("insecure").value_or(false);
  if (is_member && flags.insecure)
    return Fail(ErrorCode::kInvalid,
                "--insecure: this agent is a member of a mesh, which has mutual TLS; leave that out");
  AgentOptions options{.data_dir = flags.data_dir,
                       .name = is_member ? mesh->member()->name : "",
                       .slots = flags.slots,
                       .program_dir = ProgramDir()};
  options.launcher.cgroup = flags.cgroup;
  if (flags.launcher.empty()) flags.launcher = settings.Text("launcher").value_or("agent");
  options.launcher.is_service = flags.launcher == "service";
  if (flags.launcher != "service" && flags.launcher != "agent")
    return Fail(ErrorCode::kInvalid, "launcher: " + Quote(flags.launcher) + ": write agent or service");
  if (auto quota = settings.Text("blob-quota")) {
    auto bytes = ParseSize(*quota);
    if (!bytes) return Fail(flags.config + ": blob-quota", bytes.error());
    options.blob_quota_bytes = *bytes;
  }
  options.make_fetch = GrpcFetch(flags.insecure, mesh ? mesh->tls() : nullptr);
  options.warn = [](const std::string& message) { log::Warn(message); };
  for (const std::string& label : flags.labels) {
    size_t equals = label.find('=');
    if (equals == std::string::npos || !IsName(label.substr(0, equals)) || !IsTitle(label.substr(equals + 1)))
      return Fail(ErrorCode::kInvalid, "--label " + Quote(label) + ": write NAME=VALUE");
    options.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  for (const auto& [name, value] : settings.Map("env")) {
    if (!IsVariableName(name)) return Fail(ErrorCode::kInvalid, "env: " + Quote(name) + " is not a variable's name");
    options.env.emplace_back(name, value);
  }
  CROMT_TRY(AddPlugins(settings, options));
  CROMT_TRY(AddContainers(settings, options.containers));
  CROMT_TRY(AddLimits(settings, options.limits));
  CROMT_TRY(AddUsers(settings, options.users));
  CROMT_ASSIGN(options.disk_guard, ReadDiskLimits(settings));
  return options;
}

int Refuse(const Error& error) {
  fmt::print(stderr, "cromt-agent: {}\n", error.message);
  return error.code == ErrorCode::kInternal || error.code == ErrorCode::kCorrupt ? 1 : 2;
}

// 1: something is wrong.
int Doctor(Flags& flags) {
  MeantIsTheService(flags);
  const Status placed = MergeDataDir(flags);
  const auto mesh = placed ? MeshMember::Open(flags.data_dir) : tl::unexpected(placed.error());
  auto options = mesh ? Merge(flags, mesh->get()) : tl::unexpected(mesh.error());
  const doctor::Findings findings =
      options ? doctor::Examine(*options, flags.listen)
              : doctor::Findings{doctor::Problem("configuration", options.error().message, "put it right first")};
  fmt::print("{}", flags.output == "json" ? doctor::ToJson(findings) : doctor::ToText(findings));
  return doctor::HasProblem(findings) ? 1 : 0;
}

// 1: it is a member, and not all that should be reached is.
int JoinMesh(Flags& flags) {
  if (MeantIsTheService(flags)) flags.join.service = "cromt-agent.service";
  if (Status placed = MergeDataDir(flags); !placed) return Refuse(placed.error());
  auto settings = LoadSettings(flags.config, kKeys, !flags.config.empty());
  if (!settings) return Refuse(settings.error());
  flags.join.data_dir = flags.data_dir;
  flags.join.listen = !flags.listen.empty() ? flags.listen : settings->Text("listen").value_or(kMeshListen);
  const auto joined = RunJoin(flags.join);
  if (!joined) return Refuse(joined.error());
  return *joined ? 0 : 1;
}

int Serve(const Flags& flags, AgentOptions options, MeshMember& mesh, const ServiceManager& manager) {
  options.manager = &manager;
  auto agent = Agent::Start(std::move(options));
  if (!agent) return Refuse(agent.error());
  std::atomic<bool> failed = false;
  (*agent)->OnFailure([&](const Error& error) {
    log::Error("can't go on: " + error.message + "; jobs go on, start the agent again");
    failed = true;
    WakeStop();
  });
  mesh.KeepRenewed([](const std::string& why) { log::Warn(why); });
  auto front = std::make_unique<AgentFront>(**agent, mesh);
  auto server = rpc::Server::Start(
      {front->service()},
      {{.address = flags.listen, .insecure = flags.insecure, .tls = mesh.tls(), .beside = front->blob_line()}},
      [](const std::string& why) { log::Warn(why); });
  if (!server) return Refuse(server.error());
  const std::string address = (*server)->addresses()[0];
  bool told = false;  // the address, which a full disk may have to wait for
  (*agent)->OnRefusal([&, raw = server->get()](const std::string& why) {
    raw->SetServing("cromt.v1.AgentService", why.empty());
    manager.Says(why.empty() ? "serves " + address : "takes nothing new for now: " + why);
    if (told) return;
    auto written = WriteFileAtomic(flags.data_dir + "/address", "grpc " + address + "\n");
    told = written.has_value();
    if (!told) log::Warn(written.error().message);
  });
  log::Always("CROMT_AGENT", (*agent)->identity().agent.text());
  log::Info(fmt::format("agent {} serves {} with {} slots, data in {}", (*agent)->identity().agent.text(), address,
                        (*agent)->slots(), flags.data_dir));
  if (flags.insecure) log::Warn("--insecure: whoever reaches " + address + " may run commands here");
  manager.Ready("serves " + address);
  WaitForStop();
  log::Info("stopping; jobs go on");
  manager.Stopping("stopping; jobs go on");
  (*agent)->OnRefusal({});
  server->reset();
  front.reset();
  agent->reset();
  return failed ? 1 : 0;
}

}  // namespace

int RunAgentProgram(int argc, char** argv) {
  ForbidCoreDumps();
  BlockStopSignals();
  log::Init("cromt-agent");
  Flags flags;
  CLI::App app;
  AddFlags(app, flags);
  app.require_subcommand(0, 1)->fallthrough(false);
  const CLI::App* join = AddJoin(app, flags);
  const CLI::App* doctor = AddDoctor(app, flags);
  rpc::Prepare();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (doctor->parsed()) return Doctor(flags);
  if (join->parsed()) return JoinMesh(flags);
  if (Status placed = MergeDataDir(flags); !placed) return Refuse(placed.error());
  auto mesh = MeshMember::Open(flags.data_dir);
  if (!mesh) return Refuse(mesh.error());
  auto options = Merge(flags, mesh->get());
  if (!options) return Refuse(options.error());
  const ServiceManager manager = ServiceManager::TakeFromEnvironment();
  return Serve(flags, std::move(*options), **mesh, manager);
}

}  // namespace cromt
