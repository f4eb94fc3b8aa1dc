// A command of `cromt`: what it takes, and what it does. One file each; commands.cc lists them.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/session.h"

namespace cromt::cli {

// Made for one call.
class Command {
 public:
  virtual ~Command() = default;
  // The command's own words and options; `global` holds those that are the same everywhere.
  virtual void Declare(Arguments& arguments, GlobalOptions& global) = 0;
  // An error is shown and becomes an exit code by the caller.
  virtual Result<ExitCode> Run(Session& session) = 0;
};

struct CommandInfo {
  std::string_view name;
  std::string_view usage;     // what follows the name
  std::string_view summary;   // half a line
  std::string_view about;     // a few lines of help
  std::string_view examples;  // lines of shell
  std::unique_ptr<Command> (*make)();
};

// All of them, in the order in which help lists them.
std::span<const CommandInfo> Commands();
// Null if there is no such command.
const CommandInfo* FindCommand(std::string_view name);

// What `cromt` does without a command's name: applies a job file.
extern const CommandInfo kApplyInfo;

extern const CommandInfo kRunInfo, kValidateInfo, kPlanInfo, kStartInfo, kShowInfo, kLogsInfo, kRunsInfo, kProjectsInfo,
    kAgentsInfo, kCancelInfo, kArtifactsInfo, kGetInfo, kHistoryInfo, kTicksInfo, kPauseInfo, kUnpauseInfo, kInitInfo,
    kCompletionInfo, kWhyInfo, kRerunInfo, kSecretsInfo, kLoginInfo, kLogoutInfo, kWhoamiInfo, kUsersInfo, kTokensInfo,
    kCertificatesInfo, kCaInfo, kAuditInfo, kDebugInfo;

}  // namespace cromt::cli
