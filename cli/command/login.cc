// cromt login, logout, whoami: who one is to a mesh.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "cli/access_output.h"
#include "cli/command.h"
#include "cli/coordinator_address.h"
#include "cli/job_source.h"
#include "cli/login_file.h"
#include "io/config/read_file.h"

namespace cromt::cli {
namespace {

constexpr size_t kMostTokenBytes = 4096;
constexpr Duration kPatience = seconds(10);

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

class LogIn final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("COORDINATOR", address_, "HOST[:PORT] of the mesh's coordinator");
    arguments.Option("--ca-fingerprint", "HEX", fingerprint_, "of the mesh's authority: whom to believe");
    arguments.Option("--token-file", "FILE", file_, "has your token; standard input unless given");
  }
  Result<ExitCode> Run(Session& session) override {
    const World& world = session.world();
    if (!fingerprint_ || fingerprint_->size() != 64)
      return Fail(ErrorCode::kInvalid,
                  "--ca-fingerprint: 64 hex digits are needed, as 'cromt-coordinator init' has said them, or whoever "
                  "gave you the token");
    Login login;
    CROMT_ASSIGN(login.coordinator, CoordinatorAddress(address_));
    CROMT_ASSIGN(login.authorities, session.backends().fetch_authority(login.coordinator, *fingerprint_, kPatience));
    CROMT_ASSIGN(login.token, Token(session));
    CROMT_ASSIGN(const auto access,
                 session.backends().connect_access({login.coordinator, login.token, login.authorities, ""}, kPatience));
    CROMT_ASSIGN(const WhoView who, access->WhoAmI());
    login.mesh = who.mesh;
    CROMT_TRY(WriteLogin(world, login));
    Show(session, who, login.coordinator);
    return ExitCode::kDone;
  }

 private:
  // Never from the command line, which everybody on this machine can read.
  Result<std::string> Token(Session& session) const {
    const World& world = session.world();
    std::string text;
    if (file_) {
      CROMT_ASSIGN(text, ReadFile(AbsolutePath(*file_, world), kMostTokenBytes));
    } else {
      if (world.input_is_terminal) session.messages().Say("paste your token, then Enter");
      for (char c = 0; text.size() < kMostTokenBytes && c != '\n';) {
        const ssize_t got = ::read(world.input, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text += c;
      }
    }
    text = Trimmed(text);
    if (text.empty())
      return Fail(ErrorCode::kInvalid, "no token: give it on standard input, or name a file with --token-file");
    return text;
  }

  std::string address_;
  std::optional<std::string> fingerprint_, file_;
};

class LogOut final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("COORDINATOR", address_, "HOST[:PORT]; that of the last login unless given");
  }
  Result<ExitCode> Run(Session& session) override {
    std::string address;
    if (!address_.empty()) {
      CROMT_ASSIGN(address, CoordinatorAddress(address_));
    } else {
      CROMT_ASSIGN(const auto last, LastLogin(session.world()));
      if (!last) return Fail(ErrorCode::kNotFound, "you are logged in nowhere");
      address = last->coordinator;
    }
    CROMT_TRY(RemoveLogin(session.world(), address));
    ShowDone(session, "login", "at " + address, "removed from this machine; its token stays good");
    return ExitCode::kDone;
  }

 private:
  std::string address_;
};

class WhoAmI final : public Command {
 public:
  void Declare(Arguments&, GlobalOptions&) override {}
  Result<ExitCode> Run(Session& session) override {
    CROMT_ASSIGN(const CoordinatorTarget target, FindCoordinator(session.options().coordinator, session.world()));
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_ASSIGN(const WhoView who, access->WhoAmI());
    Show(session, who, target.address);
    return ExitCode::kDone;
  }
};

template <class T>
std::unique_ptr<Command> Make() {
  return std::make_unique<T>();
}

}  // namespace

const CommandInfo kLoginInfo = {
    .name = "login",
    .usage = "COORDINATOR --ca-fingerprint HEX [--token-file FILE]",
    .summary = "show a mesh who you are, from now on",
    .about =
        "Keeps your token for a mesh, and whom to believe there, in ~/.config/cromt/logins, for you alone to read. "
        "Later\n"
        "commands use the last login, or that of the coordinator that --coordinator names. The token comes from "
        "standard\n"
        "input or a file, never from the command line.",
    .examples =
        "cromt login coordinator.example --ca-fingerprint "
        "5980324d4b879535e8d696e49c80bbeb67d8650bd2b64e87d773dd8bd52703d2\n"
        "cromt login coordinator.example --ca-fingerprint $FINGERPRINT --token-file token.txt",
    .make = Make<LogIn>,
};

const CommandInfo kLogoutInfo = {
    .name = "logout",
    .usage = "[COORDINATOR]",
    .summary = "forget a login on this machine",
    .about = "Removes what 'cromt login' has kept. The token itself stays good: 'cromt tokens remove' ends that.",
    .examples = "cromt logout",
    .make = Make<LogOut>,
};

const CommandInfo kWhoamiInfo = {
    .name = "whoami",
    .usage = "",
    .summary = "say who you are to the coordinator, and what you may do",
    .about = "Asks the coordinator who calls: the user, the role, and the projects in which it counts.",
    .examples = "cromt whoami -o json",
    .make = Make<WhoAmI>,
};

}  // namespace cromt::cli
