// How what concerns a mesh's members and users is shown, in the format that the session has. One thread.
#pragma once

#include <string>
#include <vector>

#include "cli/access_control.h"
#include "cli/session.h"

namespace cromt::cli {

void Show(Session& session, const WhoView& who, const std::string& address);
void Show(Session& session, const std::vector<InvitationView>& invitations);
void Show(Session& session, const std::vector<MemberView>& members);
void Show(Session& session, const std::vector<UserView>& users);
void Show(Session& session, const std::vector<TokenView>& tokens);
void Show(Session& session, const NewTokenView& token);
void Show(Session& session, const CertificateView& made, const std::string& file);
void Show(Session& session, const AuthoritiesView& authorities);
void Show(Session& session, const std::vector<AuditView>& entries);
// What was done to whom: "agent h7 is removed". In JSON {"KIND": NAME, "state": STATE}; quiet the name.
void ShowDone(Session& session, const std::string& kind, const std::string& name, const std::string& state);

}  // namespace cromt::cli
