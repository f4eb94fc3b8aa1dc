#include "cli/access_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/clean_text.h"
#include "cli/describe.h"
#include "cli/table.h"

namespace cromt::cli {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(std::optional<Wall> at) {
  return at ? Json(FormatRfc3339(*at)) : Json();
}

void Write(Session& session, const std::string& text) {
  session.world().out.Write(text);
}
void Line(Session& session, const Json& json) {
  Write(session, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}
void Print(Session& session, const Table& table) {
  const World& world = session.world();
  const auto columns = world.out_is_terminal ? std::optional<size_t>(world.columns) : std::nullopt;
  Write(session, table.Text(columns, session.palette()));
}

std::string Projects(bool all, const std::vector<std::string>& projects) {
  std::string text;
  for (const std::string& project : projects) text += (text.empty() ? "" : ", ") + Clean(project);
  return all ? "(all)" : text;
}
Json ProjectsJson(bool all, const std::vector<std::string>& projects) {
  return all ? Json() : Json(projects);
}

// By itself one line; the token is asked for, since what stands on a command line each user of that host can read.
std::string JoinLine(const InvitationView& invitation) {
  return fmt::format("cromt-agent join {} --name {} --ca-fingerprint {}", invitation.coordinator, invitation.name,
                     invitation.fingerprint);
}

// One object or one line an entry.
template <class View, class ToJson, class ToName>
bool ShowList(Session& session, const std::vector<View>& views, ToJson to_json, ToName to_name) {
  if (session.format() == Format::kJson)
    for (const View& view : views) Line(session, to_json(view));
  else if (session.format() == Format::kQuiet)
    for (const View& view : views) Write(session, to_name(view) + "\n");
  else
    return false;
  return true;
}

}  // namespace

void Show(Session& session, const WhoView& who, const std::string& address) {
  if (session.format() == Format::kJson)
    return Line(session, {{"coordinator", address},
                          {"mesh", who.mesh.empty() ? Json() : Json(who.mesh)},
                          {"user", who.name.empty() ? Json() : Json(who.name)},
                          {"role", who.role},
                          {"projects", ProjectsJson(who.all_projects, who.projects)}});
  if (session.format() == Format::kQuiet) return Write(session, who.name + "\n");
  if (who.mesh.empty())
    return Write(session, fmt::format("the coordinator at {} is in local mode: it asks nobody who he is\n", address));
  Write(session, fmt::format("{}, {} of {} in mesh {} at {}\n", Clean(who.name), who.role,
                             who.all_projects ? "all projects" : Projects(false, who.projects), who.mesh, address));
}

void Show(Session& session, const std::vector<InvitationView>& invitations) {
  if (ShowList(
          session, invitations,
          [](const InvitationView& one) -> Json {
            return {
                {"host", one.name},   {"address", one.address},         {"command", JoinLine(one)},
                {"token", one.token}, {"fingerprint", one.fingerprint}, {"expires_at", FormatRfc3339(one.expires_at)}};
          },
          [](const InvitationView& one) { return one.token; }))
    return;
  for (const InvitationView& one : invitations)
    Write(session, fmt::format("On {}, which others reach at {}, say as root, until {}:\n  {}\n"
                               "and give it this token when it asks, which is good once:\n  {}\n",
                               one.name, one.address, LocalTime(one.expires_at), JoinLine(one), one.token));
}

void Show(Session& session, const std::vector<MemberView>& members) {
  if (ShowList(
          session, members,
          [](const MemberView& one) -> Json {
            return {{"agent", one.name},
                    {"address", one.address},
                    {"state", one.removed ? "removed" : "member"},
                    {"certificate_expires_at", FormatRfc3339(one.expires_at)}};
          },
          [](const MemberView& one) { return one.name; }))
    return;
  if (members.empty()) return Write(session, "no members yet; 'cromt agents invite HOST' invites one\n");
  Table table({"AGENT", "ADDRESS", "STATE", "CERTIFICATE UNTIL"});
  for (const MemberView& one : members)
    table.Row({Clean(one.name), Clean(one.address), one.removed ? "removed" : "member", LocalTime(one.expires_at)});
  Print(session, table);
}

void Show(Session& session, const std::vector<UserView>& users) {
  if (ShowList(
          session, users,
          [](const UserView& one) -> Json {
            return {{"user", one.name}, {"role", one.role}, {"projects", ProjectsJson(one.all_projects, one.projects)}};
          },
          [](const UserView& one) { return one.name; }))
    return;
  Table table({"USER", "ROLE", "PROJECTS"});
  for (const UserView& one : users)
    table.Row({Clean(one.name), Clean(one.role), Projects(one.all_projects, one.projects)});
  Print(session, table);
}

void Show(Session& session, const std::vector<TokenView>& tokens) {
  if (ShowList(
          session, tokens,
          [](const TokenView& one) -> Json {
            return {{"token", one.id},
                    {"user", one.user},
                    {"created_at", FormatRfc3339(one.created_at)},
                    {"expires_at", OrNull(one.expires_at)}};
          },
          [](const TokenView& one) { return one.id; }))
    return;
  Table table({"TOKEN", "USER", "CREATED", "GOOD UNTIL"});
  for (const TokenView& one : tokens)
    table.Row({Clean(one.id), Clean(one.user), LocalTime(one.created_at),
               one.expires_at ? LocalTime(one.expires_at) : "(for ever)"});
  Print(session, table);
}

void Show(Session& session, const NewTokenView& token) {
  if (session.format() == Format::kJson)
    return Line(
        session,
        {{"token", token.id}, {"user", token.user}, {"secret", token.token}, {"expires_at", OrNull(token.expires_at)}});
  if (session.format() == Format::kQuiet) return Write(session, token.token + "\n");
  Write(session, fmt::format("token {} of {}, good {}; told this once:\n  {}\n", token.id, Clean(token.user),
                             token.expires_at ? "until " + LocalTime(token.expires_at) : "for ever", token.token));
}

void Show(Session& session, const CertificateView& made, const std::string& file) {
  if (session.format() == Format::kJson)
    return Line(session, {{"file", file}, {"expires_at", FormatRfc3339(made.expires_at)}});
  if (session.format() == Format::kQuiet) return Write(session, file + "\n");
  Write(session, fmt::format("{} has a key and its certificate, good until {}, and the mesh's authorities\n",
                             Clean(file), LocalTime(made.expires_at)));
}

void Show(Session& session, const AuthoritiesView& view) {
  if (session.format() == Format::kJson) {
    Json authorities = Json::array();
    for (const auto& one : view.authorities)
      authorities.push_back({{"fingerprint", one.fingerprint}, {"expires_at", FormatRfc3339(one.expires_at)}});
    return Line(session, {{"authorities", authorities}, {"known_by", view.known_by}, {"behind", view.behind}});
  }
  if (session.format() == Format::kQuiet) return Write(session, view.known_by + "\n");
  Table table({"AUTHORITY", "STATE", "GOOD UNTIL"});
  for (const auto& one : view.authorities) {
    const bool signs = one.fingerprint == view.authorities.front().fingerprint;
    table.Row(
        {Clean(one.fingerprint), signs ? "signs" : "believed until 'cromt ca retire'", LocalTime(one.expires_at)});
  }
  Print(session, table);
  if (view.authorities.size() < 2) return;
  std::string hosts;
  for (const std::string& one : view.behind) hosts += (hosts.empty() ? "" : ", ") + Clean(one);
  Write(session,
        fmt::format("{}\nThose who log in or join name {} until then.\n",
                    hosts.empty() ? "All hosts have certificates of the new one: 'cromt ca retire' ends the old one."
                                  : "Hosts that have not followed yet: " + hosts,
                    Clean(view.known_by)));
}

void Show(Session& session, const std::vector<AuditView>& entries) {
  if (ShowList(
          session, entries,
          [](const AuditView& one) -> Json {
            return {{"at", FormatRfc3339(one.at)},
                    {"who", one.who.empty() ? Json() : Json(one.who)},
                    {"what", one.what},
                    {"subject", one.subject},
                    {"detail", one.detail}};
          },
          [](const AuditView& one) { return FormatRfc3339(one.at) + " " + one.who + " " + one.what; }))
    return;
  Table table({"AT", "WHO", "WHAT", "OF", "DETAIL"});
  for (const AuditView& one : entries)
    table.Row({LocalTime(one.at), Clean(one.who), Clean(one.what), Clean(one.subject), Clean(one.detail)});
  Print(session, table);
}

void ShowDone(Session& session, const std::string& kind, const std::string& name, const std::string& state) {
  if (session.format() == Format::kJson) return Line(session, {{kind, name}, {"state", state}});
  if (session.format() == Format::kQuiet) return Write(session, name + "\n");
  Write(session, fmt::format("{} {} is {}\n", kind, Clean(name), state));
}

}  // namespace cromt::cli
