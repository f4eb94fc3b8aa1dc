#include "agent/service/join.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <iostream>

#include "agent/service/membership_client.h"
#include "base/name.h"
#include "core/agent_address.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/config/read_file.h"
#include "io/process/data_dir.h"
#include "io/process/host_name.h"
#include "io/process/run_program.h"
#include "io/rpc/server.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

constexpr size_t kMostTokenBytes = 4096;
constexpr Duration kStartPatience = seconds(20);

// Never from the command line, where each user of the host could read it.
Result<std::string> ReadToken(const std::string& file) {
  std::string text;
  if (!file.empty()) {
    CROMT_ASSIGN(text, ReadFile(file, kMostTokenBytes));
  } else {
    if (::isatty(STDIN_FILENO) != 0) fmt::print(stderr, "token of the invitation: ");
    std::getline(std::cin, text);
  }
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos)
    return Fail(ErrorCode::kInvalid, "no token: give it on standard input, or name a file with --token-file");
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Status CheckFingerprint(const std::string& text) {
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos) return {};
  return Fail(
      ErrorCode::kInvalid,
      "--ca-fingerprint: 64 hex digits are meant, as 'cromt agents invite' and 'cromt-coordinator init' say them");
}

// While it lives somebody answers where the agent will, if none does yet, and serves nothing: so that it can be tried
// whether that is reached.
class Standin {
 public:
  Standin(const std::string& listen, const std::shared_ptr<rpc::Tls>& tls) {
    auto server = rpc::Server::Start({&service_}, {{.address = listen, .tls = tls}}, [](const std::string&) {});
    if (server) server_ = std::move(*server);
  }

 private:
  v1::AgentService::CallbackService service_;  // refuses each call
  std::unique_ptr<rpc::Server> server_;
};

// True if the unit runs now with what was written.
bool StartService(const std::string& unit) {
  if (unit.empty() || ::access("/run/systemd/system", F_OK) != 0) return false;
  if (!RunProgram({"systemctl", "enable", unit}, kStartPatience)) return false;
  return RunProgram({"systemctl", "restart", unit}, kStartPatience).has_value();
}

}  // namespace

Result<bool> RunJoin(const JoinCommand& command) {
  const MemberFiles files(command.data_dir);
  CROMT_ASSIGN(std::optional<Member> member, files.Read());
  auto address = ParseAgentAddress(command.coordinator, kDefaultCoordinatorPort);
  if (!address) return Fail("the coordinator's address", address.error());
  const std::string coordinator = ToString(*address);
  if (member) {
    if (member->coordinator != coordinator)
      return Fail(ErrorCode::kConflict,
                  fmt::format("this host is {} of mesh {}, whose coordinator is {}: to leave it, "
                              "remove it there and delete {}",
                              member->name, member->mesh.text(), member->coordinator, files.folder()));
    fmt::print("This host is a member of mesh {} already, as {}.\n", member->mesh.text(), member->name);
  } else {
    const std::string name = command.name.empty() ? HostName() : command.name;
    CROMT_TRY(CheckName("the host's name", name));
    CROMT_TRY(CheckFingerprint(command.fingerprint));
    CROMT_TRY(MakeDirs(command.data_dir));
    CROMT_ASSIGN(const std::string token, ReadToken(command.token_file));
    CROMT_ASSIGN(member, Join({coordinator, command.fingerprint, name, token}, files));
    fmt::print("This host is a member of mesh {} now, as {}.\n", member->mesh.text(), member->name);
  }
  CROMT_ASSIGN(const std::shared_ptr<rpc::Tls> tls,
               rpc::Tls::Open(member->mesh, {files.identity(), files.authorities()}));
  const bool started = StartService(command.service);
  const Standin standin(command.listen, tls);
  const Reach reach = TryReach(*member, *tls);
  for (const std::string& good : reach.good) fmt::print("  ok: {}\n", good);
  for (const std::string& problem : reach.problems) fmt::print("  PROBLEM: {}\n", problem);
  if (started)
    fmt::print("The agent runs ({}).\n", command.service);
  else
    fmt::print("Next: start the agent, or start it anew: cromt-agent --data-dir {}\n", command.data_dir);
  return reach.problems.empty();
}

}  // namespace cromt
