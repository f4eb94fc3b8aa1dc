#include "core/source_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"

namespace cromt {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr std::array<std::string_view, 5> kRemoteSchemes = {"ssh", "https", "http", "git", "file"};

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// The letters before "://" or "::", with which URLs and git's transport helpers begin; empty if there are none.
std::string_view Scheme(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && (IsAlnum(text[end]) || text[end] == '+' || text[end] == '-' || text[end] == '.')) ++end;
  std::string_view rest = text.substr(end);
  return end > 0 && (rest.starts_with("://") || rest.starts_with("::")) ? text.substr(0, end) : std::string_view();
}

// "user@host:port" of "scheme://user@host:port/path".
std::string_view Authority(std::string_view text) {
  std::string_view rest = text.substr(text.find("://") + 3);
  return rest.substr(0, rest.find('/'));
}

std::string_view HostProblem(std::string_view host) {
  if (host.starts_with('-')) return "has a host that begins with '-'";
  return host.empty() || host.starts_with(':') ? "has no host" : "";
}

// A line end or NUL hidden as %0a, %0d or %00.
bool HasHiddenControl(std::string_view text) {
  for (size_t i = text.find('%'); i != text.npos && i + 2 < text.size(); i = text.find('%', i + 1)) {
    char low = static_cast<char>(text[i + 2] | 0x20);
    if (text[i + 1] == '0' && (low == 'a' || low == 'd' || text[i + 2] == '0')) return true;
  }
  return false;
}

std::string_view UrlProblem(std::string_view text, std::string_view scheme) {
  if (text.find(' ') != text.npos) return "has a blank";
  if (HasHiddenControl(text)) return "hides a control character";
  if (text.substr(scheme.size()).starts_with("::")) return "names a transport helper, which is not allowed";
  if (std::find(kRemoteSchemes.begin(), kRemoteSchemes.end(), scheme) == kRemoteSchemes.end())
    return "has an unknown scheme; ssh, https, http, git and file are known";
  std::string_view authority = Authority(text);
  if (scheme == "file") return authority.starts_with('-') ? HostProblem(authority) : "";
  if (authority.starts_with('-')) return "has a user or host that begins with '-'";
  return HostProblem(authority.substr(authority.rfind('@') + 1));
}

std::string_view Problem(std::string_view text, std::string_view scheme) {
  if (text.size() > kMaxPathBytes) return "is longer than 4096 bytes";
  if (text.starts_with('-')) return "begins with '-'";
  if (HasControl(text)) return "has a control character";
  if (!scheme.empty()) return UrlProblem(text, scheme);
  if (text.starts_with("git@")) return HostProblem(text.substr(4, text.find(':') - 4));
  return "";
}

bool IsRepository(std::string_view text, std::string_view scheme) {
  bool scp_like = text.starts_with("git@") && text.find(':') != text.npos;
  return !scheme.empty() || scp_like || text.ends_with(".git");
}

}  // namespace

Result<Source> ParseSourcePath(std::string_view text) {
  std::string_view scheme = Scheme(text);
  if (std::string_view problem = Problem(text, scheme); !problem.empty())
    return Fail(ErrorCode::kInvalid, fmt::format("path {} {}", Quote(text), problem));
  Source source;
  (IsRepository(text, scheme) ? source.repository : source.directory) = text;
  return source;
}

bool IsRef(std::string_view text) {
  return IsTitle(text) && !text.starts_with('-') && text.find_first_of(" ~^:?*[\\") == text.npos &&
         text.find("..") == text.npos;
}

std::string WithoutUser(std::string_view url) {
  const std::string_view authority = url.starts_with("http") && url.find("://") != url.npos ? Authority(url) : "";
  const size_t at = authority.rfind('@');
  if (at == authority.npos) return std::string(url);
  const size_t begin = static_cast<size_t>(authority.data() - url.data());
  return std::string(url.substr(0, begin)) + std::string(url.substr(begin + at + 1));
}

bool HasCredentials(std::string_view text) {
  if (Scheme(text).empty() || text.find("://") == text.npos) return false;
  std::string_view authority = Authority(text);
  size_t at = authority.rfind('@');
  return at != authority.npos && (authority.substr(0, at).find(':') != authority.npos || text.starts_with("http"));
}

}  // namespace cromt
