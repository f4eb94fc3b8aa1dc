#include "io/blob/ticket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace cromt {
namespace {

constexpr size_t kKeyBytes = 32;

// nullopt if there is none, or what is there was left half-written.
std::optional<std::string> ReadKey(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string key(kKeyBytes, '\0');
  if (!file || ::read(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size())) return std::nullopt;
  return key;
}

// A host crash before it is on disk voids the grants given out since, and with the boot the attempts they were for.
Result<std::string> ReadOrMakeKey(const std::string& path) {
  if (auto key = ReadKey(path)) return std::move(*key);
  std::string key(kKeyBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1)
    return Fail(ErrorCode::kInternal, "OpenSSL gives no random bytes");
  const std::string made = path + ".new";
  ::unlink(made.c_str());
  UniqueFd file(::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::write(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
      ::rename(made.c_str(), path.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  return key;
}

std::string HmacHex(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac.data(), &size);
  return fmt::format("{:02x}", fmt::join(mac.begin(), mac.begin() + size, ""));
}

std::string Text(const Digest& digest) {
  return fmt::format("{}:{}", digest.sha256, digest.size_bytes);
}

// No part can run into the next: names and digests hold no spaces.
std::string ProofOf(const BlobTicket& ticket, std::string_view grant, const Digest& digest) {
  const int64_t expires_at_us = ticket.expires_at ? Micros(*ticket.expires_at) : 0;
  return HmacHex(grant, fmt::format("{} {} {}", expires_at_us, ticket.consumer.text(), Text(digest)));
}

}  // namespace

BlobTicket MakeTicket(std::string_view grant, const Digest& digest, const AgentId& consumer,
                      std::optional<Wall> expires_at) {
  BlobTicket ticket{consumer, expires_at, {}};
  ticket.proof = ProofOf(ticket, grant, digest);
  return ticket;
}

Result<std::string> HolderKey::GrantFor(const Digest& digest) const {
  MutexLock lock(mutex_);
  if (key_.empty()) {
    CROMT_ASSIGN(key_, ReadOrMakeKey(path_));
  }
  return HmacHex(key_, Text(digest));
}

Status HolderKey::Check(const BlobTicket& ticket, const Digest& digest, Wall now) const {
  CROMT_ASSIGN(const std::string grant, GrantFor(digest));
  const std::string proof = ProofOf(ticket, grant, digest);
  if (ticket.proof.size() != proof.size() || CRYPTO_memcmp(ticket.proof.data(), proof.data(), proof.size()) != 0)
    return Fail(ErrorCode::kDenied, "the ticket is not one of this agent for these bytes");
  if (ticket.expires_at && *ticket.expires_at <= now)
    return Fail(ErrorCode::kDenied, fmt::format("the ticket was good until {}, and here it is {}",
                                                FormatRfc3339(*ticket.expires_at), FormatRfc3339(now)));
  return {};
}

}  // namespace cromt
