#include "coordinator/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <cstdlib>

#include "base/core_dump.h"
#include "base/service_manager.h"
#include "base/version.h"
#include "coordinator/coordinator.h"
#include "coordinator/http/http_side.h"
#include "coordinator/init.h"
#include "coordinator/service/access_service.h"
#include "coordinator/service/coordinator_service.h"
#include "coordinator/service/debug_service.h"
#include "coordinator/service/diagnose_agent.h"
#include "coordinator/service/grpc_transport.h"
#include "coordinator/service/inspect_agents.h"
#include "coordinator/service/mesh_access.h"
#include "coordinator/service/schedule_service.h"
#include "coordinator/service/secret_service.h"
#include "coordinator/store_commands.h"
#include "core/agent_address.h"
#include "io/config/git_settings.h"
#include "io/config/projects_from.h"
#include "io/config/retention_settings.h"
#include "io/config/settings.h"
#include "io/log/log.h"
#include "io/process/host_name.h"
#include "io/process/signals.h"
#include "io/rpc/prepare.h"
#include "io/rpc/server.h"

namespace cromt {
namespace {

constexpr char kDefaultListen[] = "127.0.0.1:4001";
constexpr char kDefaultHttp[] = "127.0.0.1:4080";
constexpr char kNoHttp[] = "off";
constexpr char kMeshListen[] =
    "0.0.0.0:4001";  // the default once a mesh was founded, since then callers show who they are
constexpr Duration kRenewAgain = std::chrono::hours(1);
// How long each agent is given to answer `recover`.
constexpr Duration kInspectPatience = seconds(10);
constexpr Duration kStartRetry = seconds(1);

struct Flags {
  std::string listen;
  std::string http;
  std::string local_agent;
  std::string data_dir;
  std::string config;
  std::string advertise;
  std::string output = "text";  // of `init`
  bool default_listen = false;  // nobody has said where to listen
  bool default_http = false;    // likewise
  bool insecure = false;
  std::string file;             // of `backup` and `restore`
  bool without_agents = false;  // of `recover`
  bool stop_unknown = false;    // likewise
};

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"listen", SettingKind::kText},
    {"http", SettingKind::kText},
    {"local-agent", SettingKind::kText},
    {"data-dir", SettingKind::kText},
    {"insecure", SettingKind::kFlag},
    {"agents", SettingKind::kMap},
    {"advertise", SettingKind::kText},
});

void AddFlags(CLI::App& app, Flags& flags) {
  app.description("The coordinator: keeps all runs, places their tasks on agents, gathers logs.");
  app.set_version_flag("--version", fmt::format("cromt-coordinator {}", VersionText()));
  app.add_option("--listen", flags.listen,
                 "Address to serve (default 127.0.0.1:4001, of a founded mesh 0.0.0.0:4001; port 0 picks a free one)")
      ->type_name("HOST:PORT");
  app.add_option("--http", flags.http,
                 "Address of /healthz, /readyz and web hooks (default 127.0.0.1:4080; port 0 picks a free one; off)")
      ->type_name("HOST:PORT");
  app.add_option("--local-agent", flags.local_agent, "Agent of tasks without a url (default 127.0.0.1:4000)")
      ->type_name("HOST:PORT");
  app.add_option("--data-dir", flags.data_dir, "Store, logs, Git mirrors (default $XDG_STATE_HOME/cromt/coordinator)")
      ->type_name("DIR");
  app.add_option("--advertise", flags.advertise,
                 "Where agents and people reach this coordinator (default: the host's name and the port)")
      ->type_name("HOST:PORT");
  app.add_option("--config", flags.config,
                 "YAML file with any of these flags as keys, `agents`, `git`, `allow_local_git`")
      ->type_name("FILE");
  app.add_flag("--insecure", flags.insecure,
               "Allow plaintext beyond loopback, to listen and to dial, without authentication");
  app.footer("Next: cromt --conf jobs.yaml; cromt start PROJECT --follow");
}

// Without one the coordinator serves.
struct Subcommands {
  CLI::App* init = nullptr;
  CLI::App* backup = nullptr;
  CLI::App* restore = nullptr;
  CLI::App* recover = nullptr;
};

Subcommands AddSubcommands(CLI::App& app, Flags& flags) {
  app.require_subcommand(0, 1)->fallthrough(false);
  auto add = [&](const char* name, const char* what, const char* file) {
    CLI::App* command = app.add_subcommand(name, what);
    command->fallthrough();  // --data-dir and --config may come after it, too
    if (file) command->add_option("FILE", flags.file, file)->type_name("")->required();
    return command;
  };
  Subcommands commands;
  commands.init =
      add("init", "Found a mesh: make its authority, turn on mutual TLS, print the first admin's token", nullptr);
  commands.init->add_option("-o,--output", flags.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  commands.backup =
      add("backup", "Copy the store to FILE, also while the coordinator runs", "The copy; must not exist");
  commands.restore =
      add("restore", "Put a backup in the store's place; the store is kept beside it. Stop the coordinator first",
          "A backup, or a copy made before a change of the schema");
  commands.recover =
      add("recover", "After the store went back: ask all agents what they know and make it go on from there", nullptr);
  commands.recover->add_flag("--without-agents", flags.without_agents,
                             "Though agents don't answer: what they had in flight is lost");
  commands.recover->add_flag("--stop-unknown", flags.stop_unknown, "Stop jobs that the store does not know of");
  return commands;
}

Result<Settings> Load(const Flags& flags) {
  return LoadSettings(flags.config, WithProjectsFromKeys(WithRetentionKeys(WithGitKeys(kKeys))), !flags.config.empty());
}

Result<std::string> DataDirOf(const Flags& flags) {
  CROMT_ASSIGN(const Settings settings, Load(flags));
  return flags.data_dir.empty() ? settings.Text("data-dir").value_or(StateDir("coordinator")) : flags.data_dir;
}

// The host's name as it knows it, on the port that is served.
std::string Advertised(const std::string& given, const std::string& listen) {
  if (!given.empty()) return given;
  return HostName() + listen.substr(std::min(listen.rfind(':'), listen.size()));
}

Result<std::unique_ptr<MeshAccess>> MergeAccess(Flags& flags) {
  CROMT_ASSIGN(const Settings settings, Load(flags));
  if (flags.data_dir.empty()) flags.data_dir = settings.Text("data-dir").value_or(StateDir("coordinator"));
  CROMT_ASSIGN(auto mesh, MeshAccess::Open(AccessFolder(flags.data_dir)));
  flags.insecure = flags.insecure || settings.Flag("insecure").value_or(false);
  if (mesh->access() && flags.insecure)
    return Fail(ErrorCode::kInvalid, "--insecure: this coordinator's mesh has mutual TLS; leave that out");
  if (flags.listen.empty()) flags.listen = settings.Text("listen").value_or("");
  flags.default_listen = flags.listen.empty();
  if (flags.default_listen) flags.listen = mesh->access() ? kMeshListen : kDefaultListen;
  if (flags.http.empty()) flags.http = settings.Text("http").value_or("");
  flags.default_http = flags.http.empty();
  if (flags.default_http) flags.http = kDefaultHttp;
  if (flags.advertise.empty()) flags.advertise = settings.Text("advertise").value_or("");
  return mesh;
}

Result<CoordinatorOptions> Merge(Flags& flags, const MeshAccess& mesh) {
  CROMT_ASSIGN(Settings settings, Load(flags));
  if (flags.local_agent.empty()) flags.local_agent = settings.Text("local-agent").value_or("127.0.0.1:4000");
  CoordinatorOptions options;
  options.data_dir = flags.data_dir;
  options.local_address = flags.local_agent;
  options.agents = settings.Map("agents");
  if (mesh.access()) {
    CROMT_ASSIGN(const auto members, mesh.access()->Agents());
    for (const AgentMember& member : members)
      if (!member.removed && !member.serial.empty()) options.agents.emplace(member.name, member.address);
  }
  const char* home = std::getenv("HOME");
  auto git = ReadGitSettings(settings, home != nullptr ? home : "");
  if (!git) return Fail(flags.config, git.error());
  options.git = std::move(*git);
  CROMT_ASSIGN(options.projects_from, ReadProjectsFrom(settings));
  CROMT_ASSIGN(options.retention, ReadRetention(settings));
  CROMT_ASSIGN(options.disk_guard, ReadDiskLimits(settings));
  options.program_dir = ProgramDir();
  options.warn = [](const std::string& message) { log::Warn(message); };
  options.transport = [dialing = mesh.Dialing(flags.insecure)](auto post, LogCollector& logs, BlobStore& blobs) {
    return MakeGrpcTransport({dialing, std::move(post), [](const std::string& message) { log::Warn(message); }}, logs,
                             blobs);
  };
  options.diagnose_agent = [dialing = mesh.Dialing(flags.insecure)](const std::string& address) {
    return DiagnoseAgent(dialing, address);
  };
  return options;
}

// Where `cromt` looks first: only a coordinator on its default port is the host's own.
std::optional<std::string> UnixSocket(const Flags& flags) {
  if (!flags.default_listen && flags.listen != kDefaultListen) return std::nullopt;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const char* given = std::getenv("RUNTIME_DIRECTORY");  // by the service manager: its own, with the name
  std::string dir = given                        ? given
                    : ::geteuid() == 0           ? "/run/cromt"
                    : runtime && *runtime == '/' ? std::string(runtime) + "/cromt"
                                                 : "";
  if (dir.empty() || !MakeDirs(dir)) return std::nullopt;
  return dir + "/coordinator.sock";
}

int Refuse(const Error& error) {
  fmt::print(stderr, "cromt-coordinator: {}\n", error.message);
  return error.code == ErrorCode::kInternal || error.code == ErrorCode::kCorrupt ? 1 : 2;
}

Status Recover(Flags& flags) {
  CROMT_ASSIGN(const auto mesh_access, MergeAccess(flags));
  CROMT_ASSIGN(const CoordinatorOptions merged, Merge(flags, *mesh_access));
  RecoverOptions options{.data_dir = merged.data_dir,
                         .addresses = {merged.local_address},
                         .without = flags.without_agents,
                         .stop_unknown = flags.stop_unknown,
                         .inspect = {}};
  for (const auto& [name, address] : merged.agents) {
    auto parsed = ParseAgentAddress(address);
    if (!parsed) return Fail(ErrorCode::kInvalid, "agents: " + name + ": " + parsed.error().message);
    options.addresses.push_back(ToString(*parsed));
  }
  options.inspect = [&](const MeshId& mesh, const auto& addresses, auto& unreached) {
    AgentInspection found = InspectAgents(mesh, addresses, mesh_access->Dialing(flags.insecure), kInspectPatience);
    unreached = std::move(found.unreached);
    return std::move(found.agents);
  };
  return RunRecover(options);
}

int Finish(const Status& done) {
  return done ? 0 : Refuse(done.error());
}

Status Maintain(const Flags& flags, Status (*work)(const std::string& data_dir, const std::string& file)) {
  CROMT_ASSIGN(const std::string data_dir, DataDirOf(flags));
  return work(data_dir, flags.file);
}

// Nothing else named, it is the host's own service that is meant.
void MeantIsTheService(Flags& flags) {
  constexpr const char* kServiceConfig = "/etc/cromt/coordinator.yaml";
  if (!flags.config.empty() || !flags.data_dir.empty() || ::access(kServiceConfig, R_OK) != 0) return;
  flags.config = kServiceConfig;
  flags.data_dir = "/var/lib/cromt-coordinator";
}

Status Init(Flags& flags) {
  MeantIsTheService(flags);
  CROMT_ASSIGN(const Settings settings, Load(flags));
  CROMT_ASSIGN(const std::string data_dir, DataDirOf(flags));
  const std::string listen = flags.listen.empty() ? settings.Text("listen").value_or(kMeshListen) : flags.listen;
  const std::string advertise = flags.advertise.empty() ? settings.Text("advertise").value_or("") : flags.advertise;
  return RunInit({data_dir, Advertised(advertise, listen), flags.output == "json"});
}

// A full disk may have no room for a start, and nobody should have to start it again when it has.
Result<std::unique_ptr<Coordinator>> StartOnceThereIsRoom(const CoordinatorOptions& options) {
  for (bool said = false;; said = true) {
    auto started = Coordinator::Start(options);
    if (started || started.error().code != ErrorCode::kExhausted) return started;
    const std::string why = "there is no room to start, which is tried again each second: " + started.error().message;
    if (!said) log::Warn(why);
    options.manager->Says(why);
    if (StopComesWithin(kStartRetry)) return started;
  }
}

// The access data and the store must be of one mesh; a mixture is somebody's mistake, or worse.
Status SameMesh(const MeshAccess& mesh, const Coordinator& coordinator) {
  if (!mesh.access() || mesh.access()->mesh() == coordinator.mesh()) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("the store is of mesh {}, and who may access it belongs to mesh {}: put back "
                          "the one that goes with the other",
                          coordinator.mesh().text(), mesh.access()->mesh().text()));
}

void WaitAndRenew(const MeshAccess& mesh) {
  while (!StopComesWithin(kRenewAgain)) {
    if (!mesh.access()) continue;
    if (Status renewed = mesh.access()->RenewOwn(); !renewed)
      log::Warn("this coordinator's certificate can't be renewed: " + renewed.error().message);
  }
}

// Null where none is wanted, or where nobody has said which port and another program has the usual one.
Result<std::unique_ptr<HttpSide>> StartHttp(const Flags& flags, const MeshAccess& mesh, Coordinator& coordinator) {
  if (flags.http == kNoHttp) return std::unique_ptr<HttpSide>();
  auto side = HttpSide::Start(
      {.listen = flags.http,
       .insecure = flags.insecure,
       .access = mesh.access(),
       .warn = [](const std::string& message) { log::Warn(message); },
       .hook_secret = [&](const std::string& project) { return coordinator.HookSecret(project); },
       .pushed = [&](const auto& project, const auto& ref,
                     const auto& commit) { return coordinator.Pushed(project, ref, commit); },
       .loop_answers =
           [&] {
             const auto agents = coordinator.ListAgents();
             return agents || agents.error().code == ErrorCode::kExhausted;  // the latter: too much is asked at once
           }});
  if (!side && flags.default_http && side.error().code == ErrorCode::kConflict) {
    log::Warn("no HTTP is served, neither health nor web hooks: " + side.error().message +
              "; --http names another address, or `off`");
    return std::unique_ptr<HttpSide>();
  }
  return side;
}

int Serve(const Flags& flags, const CoordinatorOptions& options, MeshAccess& mesh) {
  auto coordinator = StartOnceThereIsRoom(options);
  if (!coordinator) return Refuse(coordinator.error());
  if (Status same = SameMesh(mesh, **coordinator); !same) return Refuse(same.error());
  std::atomic<bool> failed = false;
  (*coordinator)->OnFailure([&](const Error& error) {
    log::Error("can't go on: " + error.message + "; jobs go on, start the coordinator again");
    failed = true;
    WakeStop();
  });
  auto service = MakeCoordinatorService(**coordinator, mesh.gate());
  auto schedule_service = MakeScheduleService(**coordinator, mesh.gate());
  auto debug_service = MakeDebugService(**coordinator, mesh.gate());
  auto secret_service = MakeSecretService(**coordinator, mesh.gate());
  auto access_service = MakeAccessService(
      mesh.access(), mesh.gate(),
      {Advertised(flags.advertise, flags.listen),
       [dialing = mesh.Dialing(flags.insecure)](const std::string& name, const std::string& agent) {
         return ReachAgent(dialing, name, agent);
       },
       [raw = coordinator->get()](const std::string& name, const std::string& agent) { raw->Know(name, agent); }});
  std::vector<rpc::ListenOptions> listen = {
      {.address = flags.listen, .insecure = flags.insecure, .tls = mesh.tls(), .certificates_needed = false}};
  if (auto path = UnixSocket(flags)) listen.push_back({.address = *path});
  auto server = rpc::Server::Start(
      {service.get(), schedule_service.get(), debug_service.get(), secret_service.get(), access_service.get()}, listen,
      [](const std::string& why) { log::Warn(why); });
  if (!server) return Refuse(server.error());
  const std::string address = (*server)->addresses()[0];
  auto http = StartHttp(flags, mesh, **coordinator);
  if (!http) return Refuse(http.error());
  bool told = false;  // the address, which a full disk may have to wait for
  (*coordinator)->OnHeld([&, raw = server->get()](const std::string& why) {
    raw->SetServing("cromt.v1.CoordinatorService", why.empty());
    if (*http) (*http)->Held(why);
    options.manager->Says(why.empty() ? "serves " + address : "starts nothing for now: " + why);
    if (told) return;
    auto written = WriteFileAtomic(flags.data_dir + "/address",
                                   "grpc " + address + "\n" + (*http ? "http " + (*http)->address() + "\n" : ""));
    told = written.has_value();
    if (!told) log::Warn(written.error().message);
  });
  log::Always("CROMT_MESH", (*coordinator)->mesh().text());
  log::Info(fmt::format("coordinator of mesh {} serves {}, data in {}", (*coordinator)->mesh().text(), address,
                        flags.data_dir));
  if (*http) log::Info("HTTP on " + (*http)->address());
  if (flags.insecure) log::Warn("--insecure: whoever reaches " + address + " may run commands on all agents");
  options.manager->Ready("serves " + address);
  WaitAndRenew(mesh);
  log::Info("stopping; jobs go on");
  options.manager->Stopping("stopping; jobs go on");
  (*coordinator)->StopFollowing();
  (*coordinator)->OnHeld({});
  http->reset();  // which asks the coordinator
  server->reset();
  coordinator->reset();
  return failed ? 1 : 0;
}

}  // namespace

int RunCoordinatorProgram(int argc, char** argv) {
  ForbidCoreDumps();
  BlockStopSignals();
  log::Init("cromt-coordinator");
  Flags flags;
  CLI::App app;
  AddFlags(app, flags);
  const Subcommands commands = AddSubcommands(app, flags);
  rpc::Prepare();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (commands.backup->parsed()) return Finish(Maintain(flags, RunBackup));
  if (commands.restore->parsed()) return Finish(Maintain(flags, RunRestore));
  if (commands.recover->parsed()) return Finish(Recover(flags));
  if (commands.init->parsed()) return Finish(Init(flags));
  auto mesh = MergeAccess(flags);
  if (!mesh) return Refuse(mesh.error());
  auto options = Merge(flags, **mesh);
  if (!options) return Refuse(options.error());
  const ServiceManager manager = ServiceManager::TakeFromEnvironment();
  options->manager = &manager;
  return Serve(flags, *options, **mesh);
}

}  // namespace cromt
