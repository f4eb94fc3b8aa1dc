#include "io/git/helper/known_hosts.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace cromt::git {

namespace {

constexpr uint16_t kUsualPort = 22;
constexpr auto kTypes = std::to_array<std::string_view>(
    {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa", "ssh-dss"});

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that it writes
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// How a line names it.
std::string NameOf(std::string_view host, uint16_t port) {
  return port == kUsualPort ? Lower(host) : fmt::format("[{}]:{}", Lower(host), port);
}

// `*` any characters, `?` one. Linear but for one star at a time, so that no pattern takes long.
bool Fits(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "|1|SALT|HASH": the hash is HMAC-SHA1 of the name under the salt, both in base64.
bool FitsHashed(std::string_view text, std::string_view name) {
  const size_t bar = text.find('|', 3);
  if (bar == std::string_view::npos) return false;
  const auto salt = FromBase64(text.substr(3, bar - 3)), hash = FromBase64(text.substr(bar + 1));
  if (!salt || !hash || hash->size() != SHA_DIGEST_LENGTH) return false;
  unsigned char digest[SHA_DIGEST_LENGTH];
  unsigned size = 0;
  HMAC(EVP_sha1(), salt->data(), static_cast<int>(salt->size()), reinterpret_cast<const unsigned char*>(name.data()),
       name.size(), digest, &size);
  return size == hash->size() && std::memcmp(digest, hash->data(), size) == 0;
}

// One pattern has to fit, and none with a '!' before it may.
bool AreAbout(std::string_view names, std::string_view name) {
  if (names.starts_with("|1|")) return FitsHashed(names, name);
  bool fits = false;
  while (!names.empty()) {
    std::string pattern = Lower(names.substr(0, names.find(',')));
    names.remove_prefix(std::min(names.size(), pattern.size() + 1));
    const bool is_not = pattern.starts_with('!');
    if (!Fits(std::string_view(pattern).substr(is_not ? 1 : 0), name)) continue;
    if (is_not) return false;
    fits = true;
  }
  return fits;
}

std::string_view TakeWord(std::string_view& line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
  std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::string HostKey::Type() const {
  if (bytes.size() < 4) return "";
  const auto* b = reinterpret_cast<const unsigned char*>(bytes.data());
  const size_t size = size_t{b[0]} << 24 | size_t{b[1]} << 16 | size_t{b[2]} << 8 | size_t{b[3]};
  return size <= bytes.size() - 4 ? bytes.substr(4, size) : "";
}

std::string HostKey::Fingerprint() const {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string text = Base64({reinterpret_cast<const char*>(digest), sizeof digest});
  text.resize(text.find_last_not_of('=') + 1);
  return "SHA256:" + text;
}

Result<KnownHosts> KnownHosts::Load(const std::vector<std::string>& files) {
  KnownHosts known;
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (!in) return tl::unexpected<Error>(ErrnoError(file, errno));
    known.Add(std::string(std::istreambuf_iterator<char>(in), {}), file);
    if (in.bad()) return Fail(ErrorCode::kUnavailable, file + ": reading it failed");
  }
  return known;
}

void KnownHosts::Add(std::string_view text, const std::string& name) {
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::string_view names = TakeWord(line), marker;
    if (names.starts_with('#')) continue;
    if (names.starts_with('@')) marker = std::exchange(names, TakeWord(line));
    if (!marker.empty() && marker != "@revoked") continue;
    const std::string_view type = TakeWord(line);
    auto bytes = FromBase64(TakeWord(line));
    if (names.empty() || !bytes) continue;
    HostKey key{std::move(*bytes)};
    if (key.Type() != type) continue;
    entries_.push_back({!marker.empty(), std::string(names), std::move(key), fmt::format("{}:{}", name, number)});
  }
}

KnownHosts::Verdict KnownHosts::Check(std::string_view host, uint16_t port, const HostKey& key) const {
  const std::string name = NameOf(host, port), type = key.Type();
  Verdict verdict;
  for (const Entry& entry : entries_) {
    if (!AreAbout(entry.names, name)) continue;
    const bool is_same = entry.key.bytes == key.bytes;
    if (entry.revoked && is_same) return {Trust::kRevoked, entry.place};  // whatever else is said of it
    if (entry.revoked || verdict.trust == Trust::kKnown) continue;
    if (is_same)
      verdict = {Trust::kKnown, entry.place};
    else if (verdict.trust == Trust::kUnknown && entry.key.Type() == type)
      verdict = {Trust::kChanged, entry.place};
  }
  return verdict;
}

std::vector<std::string> KnownHosts::TypesOf(std::string_view host, uint16_t port) const {
  std::vector<std::string> types;
  for (std::string_view type : kTypes)
    if (!LineOf(host, port, type).empty()) types.emplace_back(type);
  return types;
}

std::string KnownHosts::LineOf(std::string_view host, uint16_t port, std::string_view type) const {
  const std::string name = NameOf(host, port);
  for (const Entry& entry : entries_)
    if (!entry.revoked && entry.key.Type() == type && AreAbout(entry.names, name)) return Line(host, port, entry.key);
  return "";
}

std::string KnownHosts::Line(std::string_view host, uint16_t port, const HostKey& key) {
  return fmt::format("{} {} {}", NameOf(host, port), key.Type(), Base64(key.bytes));
}

}  // namespace cromt::git
