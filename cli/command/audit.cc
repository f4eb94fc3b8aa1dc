// cromt audit: who did what in a mesh, and who was refused.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/access_output.h"
#include "cli/command.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

constexpr uint32_t kMostLines = 10'000;

class Audit final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("verify", verb_, "check that no line was changed or taken out");
    arguments.Option("--limit", "N", limit_, "how many lines, the newest; 50 unless given");
  }
  Result<ExitCode> Run(Session& session) override {
    if (!verb_.empty() && verb_ != "verify")
      return Fail(ErrorCode::kInvalid, "audit: unknown word " + Quote(verb_) + "; write verify, or nothing");
    CROMT_ASSIGN(const auto limit, ReadNumber("--limit", limit_, kMostLines));
    CROMT_ASSIGN(const auto access, session.ConnectAccess());
    if (verb_.empty()) {
      CROMT_ASSIGN(const auto entries, access->Audit(static_cast<uint32_t>(limit.value_or(0))));
      Show(session, entries);
      return ExitCode::kDone;
    }
    CROMT_ASSIGN(const int64_t lines, access->VerifyAudit());
    ShowDone(session, "audit log", fmt::format("of {} lines", lines), "whole");
    return ExitCode::kDone;
  }

 private:
  std::string verb_;
  std::optional<std::string> limit_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Audit>();
}

}  // namespace

const CommandInfo kAuditInfo = {
    .name = "audit",
    .usage = "[verify] [--limit N]",
    .summary = "show who did what in a mesh, and who was refused",
    .about =
        "Shows the newest lines of the audit log: each act that takes more than looking, and each call that was "
        "refused. "
        "Each\n"
        "line rests on those before it: 'verify' finds the first that was changed or taken out.",
    .examples =
        "cromt audit --limit 20\n"
        "cromt audit verify",
    .make = Make,
};

}  // namespace cromt::cli
