#include "io/git/login.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "io/git/private_file.h"

namespace cromt {

namespace {

Result<GitUrl> ParsePrefix(std::string_view prefix) {
  auto url = ParseGitPrefix(prefix);
  if (url && (url->transport == GitTransport::kHttp || url->transport == GitTransport::kHttps)) return url;
  return Fail(ErrorCode::kInvalid,
              fmt::format("{}: a prefix is http(s)://HOST[:PORT][/PATH], without a user", Quote(prefix)));
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
