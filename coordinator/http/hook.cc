#include "coordinator/http/hook.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/name.h"

namespace cromt {
namespace {

constexpr size_t kMostRefBytes = 1024;
using Mac = std::array<unsigned char, 32>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Mac Hmac(std::string_view key, std::string_view text) {
  Mac mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(text), text.size(), mac.data(), &size);
  return mac;
}

std::string Hex(const Mac& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ""));
}

std::string Base64(const Mac& mac) {
  std::string text(4 * ((mac.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), mac.data(), mac.size());
  text.resize(static_cast<size_t>(size));
  return text;
}

// In a time that says nothing of either, not even how long they are.
bool Same(std::string_view a, std::string_view b) {
  const Mac one = Hmac("hook", a);
  const Mac other = Hmac("hook", b);
  return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

// The key of Standard Webhooks; a secret in another form is the key as it is.
std::string SigningKey(std::string_view secret) {
  constexpr std::string_view kPrefix = "whsec_";
  if (!secret.starts_with(kPrefix)) return std::string(secret);
  const std::string_view text = secret.substr(kPrefix.size());
  std::string key(text.size() / 4 * 3 + 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()), Bytes(text), static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) return std::string(secret);
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  key.resize(static_cast<size_t>(size) - padding);
  return key;
}

bool IsThere(const http::Request& request, std::string_view name) {
  return std::ranges::any_of(request.headers, [&](const auto& header) { return header.first == name; });
}

// "" where it is missing or there are several: no proof is empty.
std::string_view Only(const http::Request& request, std::string_view name) {
  const std::string* value = request.Header(name);
  return value ? std::string_view(*value) : std::string_view();
}

// Any of several may be meant, since the sender may be changing its secret.
bool AnySame(std::string_view signatures, std::string_view wanted) {
  bool any = false;
  while (!signatures.empty()) {
    const size_t end = std::min(signatures.find(' '), signatures.size());
    any |= Same(signatures.substr(0, end), wanted);
    signatures.remove_prefix(std::min(end + 1, signatures.size()));
  }
  return any;
}

Status CheckStandard(const http::Request& request, std::string_view secret, Wall now) {
  const std::string_view id = Only(request, "webhook-id");
  const std::string_view timestamp = Only(request, "webhook-timestamp");
  const std::string wanted =
      "v1," + Base64(Hmac(SigningKey(secret), fmt::format("{}.{}.{}", id, timestamp, request.body)));
  if (!AnySame(Only(request, "webhook-signature"), wanted) || id.empty())
    return Fail(ErrorCode::kDenied, "its webhook-signature is not of this project's secret");
  int64_t at = 0;
  const auto read = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), at);
  const int64_t here = std::chrono::floor<seconds>(now.time_since_epoch()).count();
  const int64_t most = std::chrono::duration_cast<seconds>(kHookAge).count();
  if (read.ec != std::errc() || read.ptr != timestamp.data() + timestamp.size() || at < here - most || at > here + most)
    return Fail(ErrorCode::kDenied, "its webhook-timestamp is not of these five minutes");
  return {};
}

bool IsCommit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// What the sender calls the event; "" if it does not say.
std::string_view EventOf(const http::Request& request) {
  for (const char* name : {"x-github-event", "x-forgejo-event", "x-gitea-event", "x-gogs-event", "x-gitlab-event"})
    if (const std::string* value = request.Header(name)) return *value;
  return "";
}

// The texts that stand in it under these names; everything else is let go of as it is read.
nlohmann::json TopLevel(const std::string& body) {
  using nlohmann::json;
  const auto keep = [](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key) return depth == 1 && (parsed == "ref" || parsed == "after");
    return depth <= 1 && (depth == 0 || event == json::parse_event_t::value);
  };
  return json::parse(body, keep, /*allow_exceptions=*/false);
}

std::string TextAt(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Status CheckHookSignature(const http::Request& request, std::string_view secret, Wall now) {
  bool shown = false, good = true;
  const std::string mac = Hex(Hmac(secret, request.body));
  const auto signed_by = [&](const char* name, const std::string& wanted) {
    if (!IsThere(request, name)) return;
    shown = true;
    good &= Same(Only(request, name), wanted);
  };
  signed_by("x-hub-signature-256", "sha256=" + mac);
  for (const char* name : {"x-gitea-signature", "x-forgejo-signature", "x-gogs-signature"}) signed_by(name, mac);
  if (!good) return Fail(ErrorCode::kDenied, "its signature is not of this project's secret");
  if (IsThere(request, "webhook-signature")) return CheckStandard(request, secret, now);
  if (shown) return {};
  if (!IsThere(request, "x-gitlab-token")) return Fail(ErrorCode::kDenied, "it has no signature that is known here");
  if (!Same(Only(request, "x-gitlab-token"), secret))
    return Fail(ErrorCode::kDenied, "its X-Gitlab-Token is not this project's secret");
  return {};
}

Result<HookEvent> ReadHook(const http::Request& request) {
  const std::string_view event = EventOf(request);
  if (event == "ping") return HookEvent{std::nullopt, "pong: the signature is good, pushes may come"};
  if (!event.empty() && event != "push" && event != "Push Hook" && event != "Tag Push Hook")
    return HookEvent{std::nullopt, "nothing is done for events of this kind, only for pushes"};
  const nlohmann::json body = TopLevel(request.body);
  if (!body.is_object())
    return Fail(ErrorCode::kInvalid, "the body is no JSON object; set the hook's content type to application/json");
  HookEvent::Push push{TextAt(body, "ref"), TextAt(body, "after")};
  if (!push.ref.starts_with("refs/") || push.ref.size() > kMostRefBytes || !IsShowable(push.ref) ||
      !IsCommit(push.commit))
    return Fail(ErrorCode::kInvalid,
                "the body is no push: it has no 'ref' that begins with refs/, or no commit 'after'");
  if (push.commit.find_first_not_of('0') == std::string::npos)
    return HookEvent{std::nullopt, "nothing is done where a branch or tag was deleted"};
  return HookEvent{std::move(push), ""};
}

}  // namespace cromt
