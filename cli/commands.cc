#include <array>

#include "cli/command.h"

namespace cromt::cli {

std::span<const CommandInfo> Commands() {
  static const std::array kAll = {kRunInfo,    kValidateInfo, kPlanInfo,      kStartInfo,    kShowInfo,
                                  kLogsInfo,   kWhyInfo,      kRunsInfo,      kProjectsInfo, kAgentsInfo,
                                  kCancelInfo, kRerunInfo,    kArtifactsInfo, kGetInfo,      kHistoryInfo,
                                  kTicksInfo,  kPauseInfo,    kUnpauseInfo,   kSecretsInfo,  kLoginInfo,
                                  kLogoutInfo, kWhoamiInfo,   kUsersInfo,     kTokensInfo,   kCertificatesInfo,
                                  kCaInfo,     kAuditInfo,    kDebugInfo,     kInitInfo,     kCompletionInfo};
  return kAll;
}

const CommandInfo* FindCommand(std::string_view name) {
  for (const CommandInfo& info : Commands())
    if (info.name == name) return &info;
  return nullptr;
}

}  // namespace cromt::cli
