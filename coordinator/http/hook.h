// A web hook as GitHub, GitLab, Gitea, Forgejo and Gogs send it: whether whoever sent it knows the secret, and what it
// says. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "io/http_server/message.h"

namespace cromt {

// How far the time that a signature covers may be from ours, where it covers one.
inline constexpr Duration kHookAge = std::chrono::minutes(5);

// Whether the request shows that its sender knows `secret`:
//
//   X-Hub-Signature-256: sha256=HEX                          HMAC-SHA256 of the body: GitHub, Gitea, Forgejo
//   X-Gitea-Signature, X-Forgejo-Signature, X-Gogs-Signature: HEX     the same
//   webhook-id, webhook-timestamp, webhook-signature: v1,BASE64       HMAC-SHA256 of ID.TIMESTAMP.BODY: GitLab's
//   signing
//                                      token, and whoever keeps to Standard Webhooks. A secret that begins with
//                                      "whsec_" is the key in base64.
//   X-Gitlab-Token: SECRET             no signature but the secret itself, so only where there is none of the others
//
// Of several signatures all must be good. Takes the same time whatever is wrong. kDenied; the text is for the operator
// only. SHA-1 (X-Hub-Signature) is not looked at.
Status CheckHookSignature(const http::Request& request, std::string_view secret, Wall now);

struct HookEvent {
  struct Push {
    std::string ref;     // "refs/heads/main"
    std::string commit;  // lower-case hex
  };
  std::optional<Push> push;
  std::string why_not;  // without a push: a sentence
};

// What the body says. kInvalid if it can't be understood. Only for a request whose signature is good.
Result<HookEvent> ReadHook(const http::Request& request);

}  // namespace cromt
