#include "io/git/url.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/name.h"

namespace cromt {

namespace {

constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxRefBytes = 255;

// For messages about URLs that could not be taken apart: all that may be a user or password is hidden.
std::string Masked(std::string_view text) {
  size_t scheme = text.find("://"), at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) return Quote(text);
  return Quote(fmt::format("{}***{}", text.substr(0, scheme + 3), text.substr(at)));
}

tl::unexpected<Error> Refuse(std::string_view text, std::string_view why, ErrorCode code = ErrorCode::kInvalid) {
  return Fail(code, fmt::format("Git URL {}: {}", Masked(text), why));
}

std::optional<GitTransport> TransportOf(std::string_view scheme) {
  if (scheme == "https") return GitTransport::kHttps;
  if (scheme == "http") return GitTransport::kHttp;
  if (scheme == "git") return GitTransport::kGit;
  if (scheme == "ssh") return GitTransport::kSsh;
  if (scheme == "file") return GitTransport::kFile;
  return std::nullopt;
}

bool IsHost(std::string_view host) {
  auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_'; };
  auto numeric = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.'; };
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return std::all_of(host.begin() + 1, host.end() - 1, numeric);
  }
  return !host.empty() && host.size() <= 255 && host.front() != '-' && std::all_of(host.begin(), host.end(), plain);
}

bool IsPort(std::string_view port) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  return error == std::errc() && end == port.data() + port.size() && value >= 1 && value <= 65535;
}

// "%2e" and the like resolved; nullopt if a '%' is followed by anything but two hex digits.
std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + std::min(i + 3, text.size()), value, 16);
    if (error != std::errc() || end != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

bool HasControlOrBlank(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

// Why a path can't be taken, or null.
const char* WhyBadPath(std::string_view path) {
  auto decoded = PercentDecoded(path);
  if (!decoded || !IsUtf8(*decoded)) return "its path is not well-formed";
  if (HasControlOrBlank(path) || std::any_of(decoded->begin(), decoded->end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
      })) {
    return "its path holds a blank or control character";
  }
  std::string_view rest = *decoded;
  if (rest.find_first_not_of('/') == std::string_view::npos) return "it names no repository";
  if (rest.find('\\') != std::string_view::npos) return "its path holds a backslash";
  while (!rest.empty()) {
    size_t slash = std::min(rest.find('/'), rest.size());
    std::string_view part = rest.substr(0, slash);
    if (part == "..") return "'..' in the path";
    if (part.starts_with('-')) return "a part of the path begins with '-'";
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return nullptr;
}

// user is what stands before '@', empty if nothing does.
struct Authority {
  std::string_view user, host, port;
};

std::optional<Authority> SplitAuthority(std::string_view text) {
  Authority parts;
  if (size_t at = text.rfind('@'); at != std::string_view::npos) {
    parts.user = text.substr(0, at);
    text.remove_prefix(at + 1);
    if (parts.user.empty() || parts.user.front() == '-' || parts.user.find('@') != std::string_view::npos) {
      return std::nullopt;
    }
  }
  size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    parts.port = text.substr(colon + 1);
    if (!IsPort(parts.port)) return std::nullopt;
    text = text.substr(0, colon);
  }
  parts.host = text;
  if (!IsHost(parts.host)) return std::nullopt;
  return parts;
}

Result<GitUrl> ParseFile(std::string_view text, std::string_view path) {
  if (!path.starts_with('/')) return Refuse(text, "a file URL is file:///PATH, without a host");
  if (const char* why = WhyBadPath(path)) return Refuse(text, why);
  std::string url = fmt::format("file://{}", path);
  return GitUrl{GitTransport::kFile, url, url, url, {}, 0, std::string(path)};
}

uint16_t UsualPort(GitTransport transport) {
  switch (transport) {
    case GitTransport::kHttp: return 80;
    case GitTransport::kHttps: return 443;
    case GitTransport::kGit: return 9418;
    case GitTransport::kSsh: return 22;
    case GitTransport::kFile: break;
  }
  return 0;
}

void SetPlace(const Authority& authority, std::string_view path, GitUrl& url) {
  url.host = authority.host;
  if (url.host.starts_with('[')) url.host = url.host.substr(1, url.host.size() - 2);
  url.port = UsualPort(url.transport);
  // IsPort has judged it.
  if (!authority.port.empty())
    std::from_chars(authority.port.data(), authority.port.data() + authority.port.size(), url.port);
  url.path = path;
}

// libgit2 puts the path between quotes and has the server's shell read it.
const char* WhyBadForShell(std::string_view path) {
  const auto decoded = PercentDecoded(path);
  if (!decoded || decoded->find_first_of("'\"`$!;&|<>") != std::string::npos)
    return "a path that an ssh server's shell could misread";
  return nullptr;
}

Result<GitUrl> ParseRemote(std::string_view text, GitTransport transport, std::string_view scheme,
                           std::string_view rest) {
  size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return Refuse(text, "it names no repository");
  auto authority = SplitAuthority(rest.substr(0, slash));
  if (!authority) return Refuse(text, "its host, port or user can't be taken");
  std::string_view path = rest.substr(slash);
  if (const char* why = WhyBadPath(path)) return Refuse(text, why);
  const std::string_view user = authority->user;
  const bool is_ssh = transport == GitTransport::kSsh;
  if (!user.empty() && transport == GitTransport::kGit) return Refuse(text, "git:// knows no user");
  if (is_ssh && user.find(':') != std::string_view::npos) return Refuse(text, "a password in an ssh URL is not taken");
  if (user.find(':') != std::string_view::npos) {
    return Refuse(text,
                  "a password in a URL is seen by all who see the job file: the coordinator's configuration takes it "
                  "(git: credentials)",
                  ErrorCode::kDenied);
  }
  if (const char* why = is_ssh ? WhyBadForShell(path) : nullptr) return Refuse(text, why, ErrorCode::kDenied);
  const std::string place =
      authority->port.empty() ? std::string(authority->host) : fmt::format("{}:{}", authority->host, authority->port);
  GitUrl url;
  url.transport = transport;
  url.identity = fmt::format("{}://{}{}", scheme, place, path);
  url.text = is_ssh ? std::string(text) : url.identity;
  url.shown = user.empty() || is_ssh ? url.text : fmt::format("{}://***@{}{}", scheme, place, path);
  SetPlace(*authority, path, url);
  return url;
}

// [USER@]HOST:PATH
Result<GitUrl> ParseScpLike(std::string_view text, size_t colon) {
  auto authority = SplitAuthority(text.substr(0, colon));
  if (!authority) return Refuse(text, "its host or user can't be taken");
  if (TransportOf(authority->host)) return Refuse(text, "'//' is missing after the scheme");
  const std::string_view path = text.substr(colon + 1);
  if (const char* why = WhyBadPath(path)) return Refuse(text, why);
  if (const char* why = WhyBadForShell(path)) return Refuse(text, why, ErrorCode::kDenied);
  GitUrl url;
  url.transport = GitTransport::kSsh;
  url.text = url.shown = std::string(text);
  url.identity = fmt::format("{}:{}", authority->host, path);
  SetPlace(*authority, path, url);
  return url;
}

}  // namespace

Result<GitUrl> ParseGitUrl(std::string_view text) {
  if (text.empty()) return Refuse(text, "it is empty");
  if (text.size() > kMaxUrlBytes) return Refuse(text, "it is longer than 2048 bytes");
  if (!IsShowable(text) || HasControlOrBlank(text)) return Refuse(text, "it holds a blank or control character");
  if (text.front() == '-') return Refuse(text, "it begins with '-'", ErrorCode::kDenied);
  if (text.find_first_of("?#\\") != std::string_view::npos) return Refuse(text, "'?', '#' and '\\' are not taken");
  if (text.front() == '/') return ParseFile(text, text);
  const size_t colon = text.find(':'), slash = text.find('/');
  if (colon == std::string_view::npos || slash < colon) {
    return Refuse(text, "neither a URL nor an absolute path: a repository is named from its root");
  }
  if (text.substr(colon).starts_with("::")) {
    return Refuse(text, "transport helpers (ext::, fd::) run programs and are never used", ErrorCode::kDenied);
  }
  if (!text.substr(colon).starts_with("://")) return ParseScpLike(text, colon);
  const std::string_view scheme = text.substr(0, colon);
  auto transport = TransportOf(scheme);
  if (!transport) return Refuse(text, "use https://, http://, git://, ssh:// or file://", ErrorCode::kDenied);
  if (*transport == GitTransport::kFile) return ParseFile(text, text.substr(colon + 3));
  return ParseRemote(text, *transport, scheme, text.substr(colon + 3));
}

Result<GitUrl> ParseGitPrefix(std::string_view text) {
  std::string_view prefix = text;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  // A URL names a repository, a prefix need not: one is added, and taken away again.
  constexpr std::string_view kSome = "/some";
  auto url = ParseGitUrl(fmt::format("{}{}", prefix, kSome));
  if (prefix.empty() || !url || url->text != url->shown)
    return Fail(ErrorCode::kInvalid,
                fmt::format("{} is no beginning of a Git URL, such as https://HOST/TEAM", Quote(text)));
  url->path.resize(url->path.size() - kSome.size());
  return url;
}

bool IsUnder(const GitUrl& url, const GitUrl& prefix) {
  return url.transport == prefix.transport && strcasecmp(url.host.c_str(), prefix.host.c_str()) == 0 &&
         url.port == prefix.port && url.path.starts_with(prefix.path) &&
         (url.path.size() == prefix.path.size() || prefix.path.empty() || url.path[prefix.path.size()] == '/');
}

std::string Rewrite(std::string_view url, const GitRewrites& rules) {
  const std::pair<std::string, std::string>* best = nullptr;
  for (const auto& rule : rules) {
    if (url.starts_with(rule.first) && (best == nullptr || rule.first.size() > best->first.size())) best = &rule;
  }
  if (best == nullptr) return std::string(url);
  return best->second + std::string(url.substr(best->first.size()));
}

bool IsCommit(std::string_view ref) {
  return ref.size() == 40 && ref.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status CheckGitRef(std::string_view ref) {
  auto refuse = [&](std::string_view why) {
    return Fail(ErrorCode::kInvalid, fmt::format("ref {}: {}", Quote(ref), why));
  };
  if (ref.size() > kMaxRefBytes) return refuse("it is longer than 255 bytes");
  if (!IsUtf8(ref)) return refuse("it is not UTF-8");
  if (ref.starts_with('-')) return refuse("it begins with '-'");
  if (!IsShowable(ref) || HasControlOrBlank(ref)) return refuse("it holds a blank or control character");
  if (ref.find_first_of("~^:?*[\\") != std::string_view::npos || ref.find("@{") != std::string_view::npos ||
      ref.find("..") != std::string_view::npos || ref == "@") {
    return refuse("give the name of a branch or tag, or a commit; expressions (~ ^ : .. @{ *) are not taken");
  }
  for (std::string_view rest = ref; !rest.empty();) {
    const size_t slash = rest.find('/');
    std::string_view part = rest.substr(0, slash);
    if (part.empty() || part.starts_with('.') || part.ends_with('.') || part.ends_with(".lock")) {
      return refuse("no branch or tag can have such a name");
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
    if (rest.empty()) return refuse("it ends with '/'");
  }
  return {};
}

}  // namespace cromt
