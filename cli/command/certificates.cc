// cromt certificates: by which a user's programs prove who they are.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"
#include "cli/job_source.h"
#include "io/pki/certificate.h"
#include "io/process/data_dir.h"

namespace cromt::cli {
namespace {

class Certificates final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("create|revoke", verb_, "what to do");
    arguments.Word("FILE", file_, "create: gets key, certificate and authorities (PEM), for you alone to read");
    arguments.Flag("--agent-submit", agent_submit_, "create: its bearer may put jobs on agents; takes an admin");
    arguments.Option("--for", "D", good_for_, "create: how long it is good; 30d unless given, which is the most");
    arguments.Option("--user", "NAME", user_, "revoke: whose; your own unless given");
  }
  Result<ExitCode> Run(Session& session) override {
    if (verb_ != "create" && verb_ != "revoke")
      return Fail(ErrorCode::kInvalid, "certificates: unknown word " + Quote(verb_) + "; write create or revoke");
    return verb_ == "create" ? Create(session) : Revoke(session);
  }

 private:
  Result<ExitCode> Create(Session& session) const {
    if (file_.empty()) return Fail(ErrorCode::kInvalid, "certificates create: which FILE is it to be written to?");
    if (user_) return Fail(ErrorCode::kInvalid, "--user is for revoke: everybody creates his own");
    std::optional<Duration> good_for;
    if (good_for_) {
      CROMT_ASSIGN(good_for, ParseDuration(*good_for_));
    }
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_ASSIGN(const std::string key, pki::NewKey());
    CROMT_ASSIGN(const std::string request, pki::NewRequest(key));
    CROMT_ASSIGN(const CertificateView made, access->Certify(request, agent_submit_, good_for));
    CROMT_TRY(WriteFileDurably(AbsolutePath(file_, session.world()), key + made.certificate + made.authorities));
    Show(session, made, file_);
    return ExitCode::kDone;
  }
  Result<ExitCode> Revoke(Session& session) const {
    if (!file_.empty() || agent_submit_ || good_for_)
      return Fail(ErrorCode::kInvalid, "certificates revoke: all of a user's are revoked; --user says whose");
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_TRY(access->RevokeCertificates(user_.value_or("")));
    ShowDone(session, "each certificate of", user_.value_or("your own"), "revoked");
    return ExitCode::kDone;
  }

  std::string verb_, file_;
  bool agent_submit_ = false;
  std::optional<std::string> good_for_, user_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Certificates>();
}

}  // namespace

const CommandInfo kCertificatesInfo = {
    .name = "certificates",
    .usage = "create FILE [--agent-submit] [--for D] | revoke [--user NAME]",
    .summary = "make and end certificates for programs of yours that talk to a mesh",
    .about =
        "A certificate lets a program of yours call the coordinator as you, without a token, over gRPC with TLS. With\n"
        "--agent-submit it may also call the job queues of agents (AgentService in cromt/v1/agent.proto), past the\n"
        "coordinator. The key is made here and stays in FILE. revoke voids all that a user has, within seconds.",
    .examples =
        "cromt certificates create ci.pem --agent-submit --for 7d\n"
        "cromt certificates revoke --user ci",
    .make = Make,
};

}  // namespace cromt::cli
