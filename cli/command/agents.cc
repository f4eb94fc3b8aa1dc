// cromt agents: the hosts of a mesh.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"
#include "cli/job_source.h"
#include "io/config/read_file.h"

namespace cromt::cli {
namespace {

constexpr size_t kMostHostsBytes = 1 << 20;
constexpr std::string_view kVerbs = "invite, members, drain, resume, remove, readmit or forget";

// "HOST" or "HOST ADDRESS"; what follows a '#' is a remark.
struct Host {
  std::string name;
  std::string address;
};

Result<std::vector<Host>> ReadHosts(const std::string& path, const World& world) {
  CROMT_ASSIGN(const std::string text, ReadFile(AbsolutePath(path, world), kMostHostsBytes));
  std::vector<Host> hosts;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    std::string more;
    words >> host.name >> host.address >> more;
    if (host.name.empty()) continue;
    if (!more.empty() || !IsName(host.name))
      return Fail(ErrorCode::kInvalid, fmt::format("{}:{}: write HOST, or HOST ADDRESS", path, number));
    hosts.push_back(std::move(host));
  }
  if (hosts.empty()) return Fail(ErrorCode::kInvalid, path + " names no host");
  return hosts;
}

class Agents final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("invite|members|drain|resume|remove|readmit|forget", verb_,
                   "what to do; without, agents are listed");
    arguments.Word("HOST", host_, "which one, by its name in the mesh");
    arguments.Option("--reason", "TEXT", why_, "drain: for whoever wonders why nothing starts there");
    arguments.Option("--address", "HOST:PORT", address_,
                     "invite: where others reach it; its name and port 4000 unless given");
    arguments.Option("--hosts", "FILE", hosts_, "invite all of these: HOST, or HOST ADDRESS, a line");
    arguments.Option("--for", "D", good_for_, "invite: how long the invitation is good; 1h unless given, at most 7d");
  }
  Result<ExitCode> Run(Session& session) override {
    if (verb_.empty()) return List(session);
    if (verb_ == "members") return Members(session);
    if (verb_ == "invite") return Invite(session);
    if (verb_ == "drain" || verb_ == "resume") return SetService(session);
    if (verb_ != "remove" && verb_ != "readmit" && verb_ != "forget")
      return Fail(ErrorCode::kInvalid,
                  fmt::format("agents: unknown word {}; write {}, or nothing", Quote(verb_), kVerbs));
    if (host_.empty()) return Fail(ErrorCode::kInvalid, "agents " + verb_ + ": which HOST?");
    if (verb_ == "forget") return Forget(session);
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_TRY(verb_ == "remove" ? access->RemoveAgent(host_) : access->ReadmitAgent(host_));
    ShowDone(session, "agent", host_, verb_ == "remove" ? "removed" : "readmitted");
    return ExitCode::kDone;
  }

 private:
  static Result<ExitCode> List(Session& session) {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto agents, control->ListAgents());
    session.output().ListAgents(agents);
    return ExitCode::kDone;
  }
  static Result<ExitCode> Members(Session& session) {
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_ASSIGN(const auto members, access->Members());
    Show(session, members);
    return ExitCode::kDone;
  }
  Result<ExitCode> SetService(Session& session) const {
    if (host_.empty()) return Fail(ErrorCode::kInvalid, "agents " + verb_ + ": which HOST?");
    if (why_ && !IsTitle(*why_)) return Fail(ErrorCode::kInvalid, "--reason: one line of text, at most 1 KiB");
    CROMT_ASSIGN(const auto control, session.Connect());
    if (verb_ == "drain") {
      CROMT_TRY(control->DrainAgent(host_, why_.value_or(""), session.world().user));
    } else {
      CROMT_TRY(control->ResumeAgent(host_));
    }
    ShowDone(session, "agent", host_, verb_ == "drain" ? "out of service" : "in service");
    return ExitCode::kDone;
  }
  Result<ExitCode> Forget(Session& session) const {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_TRY(control->ForgetAgent(host_, session.world().user));
    session.output().Forgot(host_);
    return ExitCode::kDone;
  }
  Result<ExitCode> Invite(Session& session) const {
    if (host_.empty() == !hosts_.has_value())
      return Fail(ErrorCode::kInvalid, "agents invite: which HOST? Name one, or a file of them with --hosts FILE");
    if (hosts_ && address_)
      return Fail(ErrorCode::kInvalid, "--address is for one HOST; in a file it follows the name");
    std::vector<Host> hosts = {{host_, address_.value_or("")}};
    if (hosts_) {
      CROMT_ASSIGN(hosts, ReadHosts(*hosts_, session.world()));
    }
    std::optional<Duration> good_for;
    if (good_for_) {
      CROMT_ASSIGN(good_for, ParseDuration(*good_for_));
    }
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    std::vector<InvitationView> invitations;
    for (const Host& host : hosts) {
      auto invited = access->Invite(host.name, host.address, good_for);
      if (!invited) {
        Show(session, invitations);  // these were made, and are good
        return Fail(host.name, invited.error());
      }
      invitations.push_back(std::move(*invited));
    }
    Show(session, invitations);
    return ExitCode::kDone;
  }

  std::string verb_, host_;
  std::optional<std::string> address_, hosts_, good_for_, why_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Agents>();
}

}  // namespace

const CommandInfo kAgentsInfo = {
    .name = "agents",
    .usage = "[invite HOST | members | drain HOST | resume HOST | remove HOST | readmit HOST | forget HOST]",
    .summary = "list agents, and why one is down; invite, drain, remove and forget hosts",
    .about =
        "Lists the agents that the coordinator keeps connected, with their slots and what they do.\n"
        "In JSON one object a line.\n"
        "\n"
        "invite   prints what makes HOST a member of the mesh: a command to be said there, and a token for it\n"
        "members  lists the hosts that belong to the mesh, and how long their certificates are good\n"
        "drain    takes HOST out of service: it finishes what it has, and gets nothing new; pools leave it out\n"
        "resume   puts it back\n"
        "remove   takes HOST out: none of its certificates is good any more; its jobs go on, unheard\n"
        "readmit  lets HOST, which was off until its certificate expired, renew it within a day\n"
        "forget   is for a host that is down and will not come back: what its agent may still have is lost at once,\n"
        "         and the queues that it keeps are free. Be sure that nothing of it runs any more.",
    .examples =
        "cromt agents\n"
        "cromt agents invite hostB --address hostB.example:4000\n"
        "cromt agents invite --hosts hosts.txt -o json\n"
        "cromt agents drain hostB --reason 'new kernel'\n"
        "cromt agents forget hostB",
    .make = Make,
};

}  // namespace cromt::cli
