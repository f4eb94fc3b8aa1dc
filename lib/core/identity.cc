#include "core/identity.h"

#include "base/name.h"

namespace cromt {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kSubmit = "/agent-submit";

// Takes `word` from the front of `text`.
bool Take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

std::string ToUri(const Identity& identity) {
  const std::string mesh = std::string(kScheme) + identity.mesh.text();
  switch (identity.kind) {
    case PeerKind::kCoordinator: return mesh + "/coordinator";
    case PeerKind::kAgent: return mesh + "/agent/" + identity.name;
    case PeerKind::kUser: break;
  }
  return mesh + "/user/" + identity.name + (identity.agent_submit ? std::string(kSubmit) : "");
}

Result<Identity> IdentityFromUri(std::string_view uri) {
  const Error wrong{ErrorCode::kInvalid, Quote(uri) + " names nobody of a mesh"};
  std::string_view rest = uri;
  const size_t slash = Take(rest, kScheme) ? rest.find('/') : std::string_view::npos;
  if (slash == std::string_view::npos || !IsName(rest.substr(0, slash))) return tl::unexpected(wrong);
  Identity identity{MeshId(std::string(rest.substr(0, slash))), PeerKind::kCoordinator, "", false};
  rest.remove_prefix(slash);
  if (rest == "/coordinator") return identity;
  if (Take(rest, "/agent/"))
    identity.kind = PeerKind::kAgent;
  else if (Take(rest, "/user/"))
    identity.kind = PeerKind::kUser;
  else
    return tl::unexpected(wrong);
  if (identity.kind == PeerKind::kUser && rest.ends_with(kSubmit)) {
    identity.agent_submit = true;
    rest.remove_suffix(kSubmit.size());
  }
  if (!IsName(rest)) return tl::unexpected(wrong);
  identity.name = rest;
  return identity;
}

std::string Describe(const Identity& identity) {
  switch (identity.kind) {
    case PeerKind::kCoordinator: return "the coordinator";
    case PeerKind::kAgent: return "agent " + identity.name;
    case PeerKind::kUser: break;
  }
  return "user " + identity.name;
}

}  // namespace cromt
