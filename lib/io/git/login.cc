#include "io/git/login.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "base/name.h"
#include "io/git/private_file.h"

namespace cromt {

namespace {

// The prefix as a URL; its path is empty for a whole host, and never ends with '/'.
Result<GitUrl> ParsePrefix(std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  // A URL names a repository, a prefix need not: one is added, and taken away again.
  constexpr std::string_view kSome = "/some";
  auto url = ParseGitUrl(fmt::format("{}{}", prefix, kSome));
  const bool is_http = url && (url->transport == GitTransport::kHttp || url->transport == GitTransport::kHttps);
  if (!is_http || url->text != url->shown) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("{}: a prefix is http(s)://HOST[:PORT][/PATH], without a user", Quote(prefix)));
  }
  url->path.resize(url->path.size() - kSome.size());
  return url;
}

bool IsUnder(const GitUrl& url, const GitUrl& prefix) {
  return url.transport == prefix.transport && strcasecmp(url.host.c_str(), prefix.host.c_str()) == 0 &&
         url.port == prefix.port && url.path.starts_with(prefix.path) &&
         (url.path.size() == prefix.path.size() || url.path[prefix.path.size()] == '/');
}

Result<GitLogin> ReadLogin(const std::string& prefix, const std::string& file) {
  CROMT_ASSIGN(std::string text, ReadPrivateFile(file));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  const size_t colon = text.find(':');
  const bool is_plain = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == '\x7f'; });
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || !is_plain) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}: one line USER:PASSWORD is meant", file));
  }
  return GitLogin{text.substr(0, colon), text.substr(colon + 1), prefix};
}

}  // namespace

Status CheckLoginPrefix(std::string_view prefix) {
  CROMT_TRY(ParsePrefix(prefix));
  return {};
}

Result<std::optional<GitLogin>> FindLogin(const GitUrl& url, const GitLoginFiles& files) {
  const std::pair<std::string, std::string>* best = nullptr;
  size_t best_size = 0;
  for (const auto& rule : files) {
    CROMT_ASSIGN(const GitUrl prefix, ParsePrefix(rule.first));
    if (!IsUnder(url, prefix) || (best != nullptr && prefix.path.size() <= best_size)) continue;
    best = &rule;
    best_size = prefix.path.size();
  }
  if (best == nullptr) return std::optional<GitLogin>();
  auto login = ReadLogin(best->first, best->second);
  if (!login) return Fail(fmt::format("{}: git.credentials of {}", url.shown, best->first), login.error());
  return std::optional<GitLogin>(std::move(*login));
}

}  // namespace cromt
