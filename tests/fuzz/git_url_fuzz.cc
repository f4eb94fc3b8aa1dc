// Git URLs and refs. What is accepted names a host or a directory and nothing that a program could take for an option,
// a helper or another path; its identity and what is shown hold no password, and neither does any refusal.
#include <algorithm>
#include <cctype>

#include "io/git/submodule.h"
#include "io/git/url.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

bool HasControlOrBlank(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7F; });
}

// What stands between "USER:" and the last '@' of the first part of a URL; empty if nothing does.
std::string_view PasswordOf(std::string_view url) {
  size_t scheme = url.find_first_of(":/");  // a path has none
  if (scheme == url.npos || !url.substr(scheme).starts_with("://")) return {};
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find('/'));
  size_t at = authority.rfind('@'), colon = authority.find(':');
  return at == authority.npos || colon > at ? std::string_view() : authority.substr(colon + 1, at - colon - 1);
}

// `url` with another password, wrong for the same reasons: what is shown of both can't come from the password.
std::string WithOther(std::string_view url, std::string_view password) {
  std::string other(url);
  const auto begin = other.begin() + (password.data() - url.data());
  std::replace_if(
      begin, begin + static_cast<ptrdiff_t>(password.size()), [](unsigned char c) { return std::isalnum(c) != 0; },
      'x');
  return other;
}

// A password of some length that stands nowhere else in the URL.
bool IsTelling(std::string_view url, std::string_view password) {
  return password.size() >= 6 && url.find(password) == url.rfind(password);
}

void CheckAccepted(std::string_view text, const GitUrl& url) {
  Require(!url.text.empty() && url.text[0] != '-' && !HasControlOrBlank(url.text), "no option, no blank", text);
  Require(text.find("::") != 0 && !text.starts_with("ext::") && !text.starts_with("fd::"), "no helper", text);
  Require(url.transport == GitTransport::kFile ? url.identity.starts_with("file:///")
                                               : url.identity.find(':') != std::string::npos,
          "an identity names its place", url.identity);
  RequireShowable(url.shown);
  auto again = ParseGitUrl(url.identity);
  Require(again && again->identity == url.identity && again->transport == url.transport, "an identity is a URL", text);
  std::string_view password = PasswordOf(text);
  if (!IsTelling(text, password)) return;
  Require(url.identity.find(password) == std::string::npos, "no password in an identity", text);
  Require(url.shown.find(password) == std::string::npos, "no password is shown", text);
}

void CheckUrl(std::string_view text) {
  auto url = ParseGitUrl(text);
  if (url) return CheckAccepted(text, *url);
  RequireRefusal(url.error());
  std::string_view password = PasswordOf(text);
  if (!IsTelling(text, password) || url.error().message.find(password) == std::string::npos) return;
  auto other = ParseGitUrl(WithOther(text, password));
  Require(!other && other.error().message.find(password) != std::string::npos, "no password in a refusal",
          url.error().message);
}

void CheckRef(std::string_view ref) {
  Status status = CheckGitRef(ref);
  if (!status) return RequireRefusal(status.error());
  std::string path = "/" + std::string(ref) + "/";
  Require(!ref.starts_with('-') && ref.find_first_of("~^:?*[\\") == ref.npos && !HasControlOrBlank(ref),
          "a ref is no option and no expression", ref);
  Require(path.find("/.") == path.npos && path.find("..") == path.npos && path.find("@{") == path.npos,
          "a ref climbs nowhere", ref);
  Require(ref.empty() || (path.find("//") == path.npos && path.find(".lock/") == path.npos), "Git takes its name", ref);
}

// As a `.gitmodules`, and as a URL in one.
void CheckSubmodule(std::string_view text) {
  const std::string url = git::UrlIn(text, "x");
  Require(url.find('\n') == url.npos && text.find(url) != text.npos, "a URL is a part of a line", text);
  auto resolved = git::ResolveSubmoduleUrl("https://h/a/b.git", text);
  if (!resolved) return RequireRefusal(resolved.error());
  const bool is_relative = text.starts_with("./") || text.starts_with("../");
  Require(is_relative ? resolved->starts_with("https://h/") : *resolved == text, "it stays on its server", text);
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  std::string_view text = Text(data, size);
  CheckUrl(text);
  CheckRef(text);
  CheckSubmodule(text);
  Require(!cromt::IsCommit(text) || cromt::CheckGitRef(text), "a commit is a ref", text);
  return 0;
}
