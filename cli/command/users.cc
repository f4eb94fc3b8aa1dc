// cromt users: who may do what in a mesh.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"

namespace cromt::cli {
namespace {

class Users final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("set|remove", verb_, "what to do; without, users are listed");
    arguments.Word("NAME", name_, "which user");
    arguments.Option("--role", "ROLE", role_, "set: viewer (looks), operator (starts and cancels) or admin (all)");
    arguments.Repeated("--project", "P", projects_, "set: where the role counts; may be repeated; all unless given");
  }
  Result<ExitCode> Run(Session& session) override {
    if (verb_.empty()) {
      CROMT_ASSIGN(const auto access, session.ConnectAccess());
      CROMT_ASSIGN(const auto users, access->Users());
      Show(session, users);
      return ExitCode::kDone;
    }
    if (verb_ != "set" && verb_ != "remove")
      return Fail(ErrorCode::kInvalid, "users: unknown word " + Quote(verb_) + "; write set, remove, or nothing");
    if (name_.empty()) return Fail(ErrorCode::kInvalid, "users " + verb_ + ": which NAME?");
    if (verb_ == "set" && !role_)
      return Fail(ErrorCode::kInvalid, "users set: which --role? viewer, operator or admin");
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    CROMT_TRY(verb_ == "set" ? access->PutUser({name_, *role_, projects_.empty(), projects_})
                             : access->RemoveUser(name_));
    ShowDone(session, "user", name_, verb_ == "set" ? "set" : "removed");
    return ExitCode::kDone;
  }

 private:
  std::string verb_, name_;
  std::optional<std::string> role_;
  std::vector<std::string> projects_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Users>();
}

}  // namespace

const CommandInfo kUsersInfo = {
    .name = "users",
    .usage = "[set NAME --role ROLE [--project P]... | remove NAME]",
    .summary = "list the users of a mesh; say what each may do",
    .about =
        "Lists, sets and removes the users of a mesh. A viewer sees runs, output and artifacts; an operator starts, "
        "cancels\n"
        "and runs again, too; an admin may do everything. With --project a role counts in these projects only.\n"
        "A user proves who he is by a token: 'cromt tokens create --user NAME'. Removing one ends his tokens as well.",
    .examples =
        "cromt users set ann --role operator --project deploy --project test\n"
        "cromt tokens create --user ann",
    .make = Make,
};

}  // namespace cromt::cli
