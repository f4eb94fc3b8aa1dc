#include "coordinator/access/call_rules.h"

#include <algorithm>
#include <array>

namespace cromt {
namespace {

using enum CallScope;

constexpr auto kRules = std::to_array<CallRule>({
    {"CoordinatorService/Apply", kMesh, Role::kAdmin},
    {"CoordinatorService/Start", kProject, Role::kOperator},
    {"CoordinatorService/Cancel", kProject, Role::kOperator},
    {"CoordinatorService/Rerun", kProject, Role::kOperator},
    {"CoordinatorService/Why", kProject, Role::kViewer},
    {"CoordinatorService/ForgetAgent", kMesh, Role::kAdmin},
    {"CoordinatorService/DrainAgent", kMesh, Role::kAdmin},
    {"CoordinatorService/ResumeAgent", kMesh, Role::kAdmin},
    {"CoordinatorService/GetRun", kProject, Role::kViewer},
    {"CoordinatorService/ListRuns", kList, Role::kViewer},
    {"CoordinatorService/ListProjects", kList, Role::kViewer},
    {"CoordinatorService/ListAgents", kList, Role::kViewer},
    {"CoordinatorService/ListRevisions", kList, Role::kViewer},
    {"CoordinatorService/GetRevision", kProject, Role::kViewer},
    {"CoordinatorService/WatchRun", kProject, Role::kViewer},
    {"CoordinatorService/RunLogs", kProject, Role::kViewer},
    {"CoordinatorService/ListArtifacts", kProject, Role::kViewer},
    {"CoordinatorService/GetArtifact", kProject, Role::kViewer},

    {"SecretService/SetSecret", kProject, Role::kAdmin},
    {"SecretService/ListSecrets", kList, Role::kViewer},
    {"SecretService/RemoveSecret", kProject, Role::kAdmin},

    {"ScheduleService/ListTicks", kProject, Role::kViewer},
    {"ScheduleService/Pause", kProject, Role::kOperator},
    {"ScheduleService/Unpause", kProject, Role::kOperator},

    {"DebugService/Bundle", kMesh, Role::kAdmin},

    {"AccessService/Join", kOpen, Role::kNone},
    {"AccessService/Renew", kOpen, Role::kNone},
    {"AccessService/Probe", kMember, Role::kNone},
    {"AccessService/WhoAmI", kMember, Role::kNone},
    {"AccessService/InviteAgent", kMesh, Role::kAdmin},
    {"AccessService/RemoveAgent", kMesh, Role::kAdmin},
    {"AccessService/ReadmitAgent", kMesh, Role::kAdmin},
    {"AccessService/ListMembers", kMesh, Role::kAdmin},
    {"AccessService/ListUsers", kMesh, Role::kAdmin},
    {"AccessService/PutUser", kMesh, Role::kAdmin},
    {"AccessService/RemoveUser", kMesh, Role::kAdmin},
    {"AccessService/CreateToken", kMember, Role::kViewer},         // of others than oneself: admin
    {"AccessService/RemoveToken", kMember, Role::kViewer},         // likewise
    {"AccessService/Certify", kMember, Role::kViewer},             // with agent_submit: admin
    {"AccessService/RevokeCertificates", kMember, Role::kViewer},  // of others than oneself: admin
    {"AccessService/ListAuthorities", kMesh, Role::kAdmin},
    {"AccessService/RotateAuthority", kMesh, Role::kAdmin},
    {"AccessService/RetireAuthority", kMesh, Role::kAdmin},
    {"AccessService/ListAudit", kMesh, Role::kAdmin},
    {"AccessService/VerifyAudit", kMesh, Role::kAdmin},
});

}  // namespace

std::span<const CallRule> CallRules() {
  return kRules;
}

const CallRule* RuleOf(std::string_view method) {
  auto rule = std::find_if(kRules.begin(), kRules.end(), [&](const CallRule& one) { return one.method == method; });
  return rule == kRules.end() ? nullptr : &*rule;
}

}  // namespace cromt
