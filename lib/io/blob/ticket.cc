#include "io/blob/ticket.h"

#include <fcntl.h>
#include <fmt/format.h>
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

// A host crash before it is on disk loses the tickets given out since, and with the boot the attempts they were for.
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

}  // namespace

Result<std::string> TicketKey::TicketFor(const Digest& digest) const {
  MutexLock lock(mutex_);
  if (key_.empty()) {
    CROMT_ASSIGN(key_, ReadOrMakeKey(path_));
  }
  const std::string text = fmt::format("{}:{}", digest.sha256, digest.size_bytes);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", mac[i]);
  return hex;
}

Status TicketKey::Check(std::string_view ticket, const Digest& digest) const {
  CROMT_ASSIGN(const std::string right, TicketFor(digest));
  if (ticket.size() == right.size() && CRYPTO_memcmp(ticket.data(), right.data(), right.size()) == 0) return {};
  return Fail(ErrorCode::kDenied, "the ticket is not one of this agent for these bytes");
}

}  // namespace cromt
