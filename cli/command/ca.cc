// cromt ca: who signs a mesh's certificates, and how one authority follows another.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"

namespace cromt::cli {
namespace {

class Ca final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("rotate|retire", verb_, "what to do; without, the authorities are listed");
    arguments.Flag("--anyway", anyway_, "retire: though hosts have not followed yet, which are out then");
  }
  Result<ExitCode> Run(Session& session) override {
    if (!verb_.empty() && verb_ != "rotate" && verb_ != "retire")
      return Fail(ErrorCode::kInvalid, "ca: unknown word " + Quote(verb_) + "; write rotate, retire, or nothing");
    if (anyway_ && verb_ != "retire") return Fail(ErrorCode::kInvalid, "--anyway is for 'cromt ca retire'");
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    if (verb_ == "rotate") CROMT_TRY(access->RotateAuthority());
    if (verb_ == "retire") CROMT_TRY(access->RetireAuthority(anyway_));
    CROMT_ASSIGN(const AuthoritiesView authorities, access->Authorities());
    Show(session, authorities);
    return ExitCode::kDone;
  }

 private:
  std::string verb_;
  bool anyway_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Ca>();
}

}  // namespace

const CommandInfo kCaInfo = {
    .name = "ca",
    .usage = "[rotate | retire [--anyway]]",
    .summary = "list a mesh's certificate authorities, and have a new one follow the old",
    .about =
        "Lists the authorities that are believed, and the hosts that have no certificate of the newest yet.\n"
        "\n"
        "rotate  makes a new authority, which signs from now on. Hosts that are connected follow within a minute, "
        "others\n"
        "        when they are back; logins do when they are next used. Nothing stops meanwhile.\n"
        "retire  gives up the old one: what it has signed is not believed any more. A host that has not followed "
        "can't\n"
        "        be talked to then, and has to be removed and invited anew.",
    .examples =
        "cromt ca\n"
        "cromt ca rotate\n"
        "cromt ca retire",
    .make = Make,
};

}  // namespace cromt::cli
