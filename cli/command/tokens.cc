// cromt tokens: what proves who somebody is.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"

namespace cromt::cli {
namespace {

class Tokens final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("create|remove", verb_, "what to do; without, tokens are listed");
    arguments.Word("TOKEN", id_, "remove: which, as the list names it");
    arguments.Option("--user", "NAME", user_, "create: whose; your own unless given");
    arguments.Option("--for", "D", good_for_, "create: how long it is good; 90d unless given");
    arguments.Flag("--forever", for_ever_, "create: it does not expire");
  }
  Result<ExitCode> Run(Session& session) override {
    if (!verb_.empty() && verb_ != "create" && verb_ != "remove")
      return Fail(ErrorCode::kInvalid, "tokens: unknown word " + Quote(verb_) + "; write create, remove, or nothing");
    if (verb_ == "remove" && id_.empty()) return Fail(ErrorCode::kInvalid, "tokens remove: which TOKEN?");
    if (verb_ == "create" && !id_.empty())
      return Fail(ErrorCode::kInvalid, "tokens create: its name is made by itself; --user says whose it is");
    if (good_for_ && for_ever_) return Fail(ErrorCode::kInvalid, "--for and --forever say different things");
    std::optional<Duration> good_for;
    if (good_for_) {
      CROMT_ASSIGN(good_for, ParseDuration(*good_for_));
    }
    if (for_ever_) good_for = Duration(-1);
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    if (verb_.empty()) {
      CROMT_ASSIGN(const auto tokens, access->Tokens());
      Show(session, tokens);
    } else if (verb_ == "create") {
      CROMT_ASSIGN(const NewTokenView made, access->CreateToken(user_.value_or(""), good_for));
      Show(session, made);
    } else {
      CROMT_TRY(access->RemoveToken(id_));
      ShowDone(session, "token", id_, "removed");
    }
    return ExitCode::kDone;
  }

 private:
  std::string verb_, id_;
  std::optional<std::string> user_, good_for_;
  bool for_ever_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Tokens>();
}

}  // namespace

const CommandInfo kTokensInfo = {
    .name = "tokens",
    .usage = "[create [--user NAME] [--for D | --forever] | remove TOKEN]",
    .summary = "make and end the tokens by which users prove who they are",
    .about =
        "Lists, creates and removes tokens. A new one is shown once; the coordinator keeps only its hash. Everybody "
        "may\n"
        "create and remove his own, an admin those of all.",
    .examples =
        "cromt tokens create --user ci --for 30d -o quiet > token.txt\n"
        "cromt tokens remove k3j5h2",
    .make = Make,
};

}  // namespace cromt::cli
