#include "coordinator/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <cstdlib>

#include "base/service_manager.h"
#include "coordinator/coordinator.h"
#include "coordinator/service/coordinator_service.h"
#include "coordinator/service/grpc_transport.h"
#include "coordinator/service/inspect_agents.h"
#include "coordinator/store_commands.h"
#include "core/agent_address.h"
#include "io/config/git_settings.h"
#include "io/config/settings.h"
#include "io/log/log.h"
#include "io/process/signals.h"
#include "io/rpc/server.h"

namespace cromt {
namespace {

constexpr char kDefaultListen[] = "127.0.0.1:4001";
// How long each agent is given to answer `recover`.
constexpr Duration kInspectPatience = seconds(10);
constexpr Duration kStartRetry = seconds(1);

struct Flags {
  std::string listen;
  std::string http;
  std::string local_agent;
  std::string data_dir;
  std::string config;
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
});

void AddFlags(CLI::App& app, Flags& flags) {
  app.description("The coordinator: keeps all runs, places their tasks on agents, gathers logs.");
  app.set_version_flag("--version", std::string("cromt-coordinator " CROMT_VERSION));
  app.add_option("--listen", flags.listen, "Address to serve (default 127.0.0.1:4001; port 0 picks a free one)")
      ->type_name("HOST:PORT");
  app.add_option("--http", flags.http, "Address of the web page (accepted; nothing is served there yet)")
      ->type_name("HOST:PORT");
  app.add_option("--local-agent", flags.local_agent, "Agent of tasks without a url (default 127.0.0.1:4000)")
      ->type_name("HOST:PORT");
  app.add_option("--data-dir", flags.data_dir, "Store, logs, Git mirrors (default $XDG_STATE_HOME/cromt/coordinator)")
      ->type_name("DIR");
  app.add_option("--config", flags.config,
                 "YAML file with any of these flags as keys, `agents`, `git`, `allow_local_git`")
      ->type_name("FILE");
  app.add_flag("--insecure", flags.insecure,
               "Allow plaintext beyond loopback, to listen and to dial, without authentication");
  app.footer("Next: cromt --conf jobs.yaml; cromt start PROJECT --follow");
}

// Without one the coordinator serves.
struct Subcommands {
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
  return LoadSettings(flags.config, WithGitKeys(kKeys), !flags.config.empty());
}

Result<std::string> DataDirOf(const Flags& flags) {
  CROMT_ASSIGN(const Settings settings, Load(flags));
  return flags.data_dir.empty() ? settings.Text("data-dir").value_or(StateDir("coordinator")) : flags.data_dir;
}

Result<CoordinatorOptions> Merge(Flags& flags) {
  CROMT_ASSIGN(Settings settings, Load(flags));
  if (flags.listen.empty()) flags.listen = settings.Text("listen").value_or(kDefaultListen);
  if (flags.local_agent.empty()) flags.local_agent = settings.Text("local-agent").value_or("127.0.0.1:4000");
  if (flags.data_dir.empty()) flags.data_dir = settings.Text("data-dir").value_or(StateDir("coordinator"));
  flags.insecure = flags.insecure || settings.Flag("insecure").value_or(false);
  CoordinatorOptions options;
  options.data_dir = flags.data_dir;
  options.local_address = flags.local_agent;
  options.agents = settings.Map("agents");
  const char* home = std::getenv("HOME");
  auto git = ReadGitSettings(settings, home != nullptr ? home : "");
  if (!git) return Fail(flags.config, git.error());
  options.git = std::move(*git);
  options.program_dir = ProgramDir();
  options.warn = [](const std::string& message) { log::Warn(message); };
  options.transport = [insecure = flags.insecure](auto post, LogCollector& logs, BlobStore& blobs) {
    return MakeGrpcTransport({insecure, std::move(post), [](const std::string& message) { log::Warn(message); }}, logs,
                             blobs);
  };
  return options;
}

// Where `cromt` looks first: only a coordinator on its default port is the host's own.
std::optional<std::string> UnixSocket(const Flags& flags) {
  if (flags.listen != kDefaultListen) return std::nullopt;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::string dir = ::geteuid() == 0 ? "/run/cromt" : runtime && *runtime == '/' ? std::string(runtime) + "/cromt" : "";
  if (dir.empty() || !MakeDirs(dir)) return std::nullopt;
  return dir + "/coordinator.sock";
}

int Refuse(const Error& error) {
  fmt::print(stderr, "cromt-coordinator: {}\n", error.message);
  return error.code == ErrorCode::kInternal || error.code == ErrorCode::kCorrupt ? 1 : 2;
}

Status Recover(Flags& flags) {
  CROMT_ASSIGN(const CoordinatorOptions merged, Merge(flags));
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
    AgentInspection found = InspectAgents(mesh, addresses, flags.insecure, kInspectPatience);
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

int Serve(const Flags& flags, const CoordinatorOptions& options) {
  auto coordinator = StartOnceThereIsRoom(options);
  if (!coordinator) return Refuse(coordinator.error());
  std::atomic<bool> failed = false;
  (*coordinator)->OnFailure([&](const Error& error) {
    log::Error("can't go on: " + error.message + "; jobs go on, start the coordinator again");
    failed = true;
    WakeStop();
  });
  auto service = MakeCoordinatorService(**coordinator);
  std::vector<rpc::ListenOptions> listen = {{flags.listen, flags.insecure}};
  if (auto path = UnixSocket(flags)) listen.push_back({*path, false});
  auto server = rpc::Server::Start({service.get()}, listen, [](const std::string& why) { log::Warn(why); });
  if (!server) return Refuse(server.error());
  const std::string address = (*server)->addresses()[0];
  bool told = false;  // the address, which a full disk may have to wait for
  (*coordinator)->OnHeld([&, raw = server->get()](const std::string& why) {
    raw->SetServing("cromt.v1.CoordinatorService", why.empty());
    options.manager->Says(why.empty() ? "serves " + address : "starts nothing for now: " + why);
    if (told) return;
    auto written = WriteFileAtomic(flags.data_dir + "/address", "grpc " + address + "\n");
    told = written.has_value();
    if (!told) log::Warn(written.error().message);
  });
  log::Always("CROMT_MESH", (*coordinator)->mesh().text());
  log::Info(fmt::format("coordinator of mesh {} serves {}, data in {}", (*coordinator)->mesh().text(), address,
                        flags.data_dir));
  if (flags.insecure) log::Warn("--insecure: whoever reaches " + address + " may run commands on all agents");
  options.manager->Ready("serves " + address);
  WaitForStop();
  log::Info("stopping; jobs go on");
  options.manager->Stopping("stopping; jobs go on");
  (*coordinator)->StopFollowing();
  (*coordinator)->OnHeld({});
  server->reset();
  coordinator->reset();
  return failed ? 1 : 0;
}

}  // namespace

int RunCoordinatorProgram(int argc, char** argv) {
  BlockStopSignals();
  log::Init("cromt-coordinator");
  Flags flags;
  CLI::App app;
  AddFlags(app, flags);
  const Subcommands commands = AddSubcommands(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (commands.backup->parsed()) return Finish(Maintain(flags, RunBackup));
  if (commands.restore->parsed()) return Finish(Maintain(flags, RunRestore));
  if (commands.recover->parsed()) return Finish(Recover(flags));
  auto options = Merge(flags);
  if (!options) return Refuse(options.error());
  const ServiceManager manager = ServiceManager::TakeFromEnvironment();
  options->manager = &manager;
  return Serve(flags, *options);
}

}  // namespace cromt
