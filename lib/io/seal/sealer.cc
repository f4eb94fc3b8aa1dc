#include "io/seal/sealer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "base/freer.h"

namespace cromt {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

unsigned char* Bytes(std::string& text, size_t at = 0) {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

tl::unexpected<Error> NotDone() {
  return Fail(ErrorCode::kInternal, "OpenSSL can't encrypt");
}

tl::unexpected<Error> NotOpened() {
  return Fail(ErrorCode::kCorrupt, "what is encrypted was changed, or encrypted with another key");
}

}  // namespace

Sealer::Sealer(std::string key) : key_(std::move(key)) {}

Sealer::~Sealer() {
  OPENSSL_cleanse(key_.data(), key_.size());
}

Result<std::string> Sealer::Seal(std::string_view text, std::string_view bound) const {
  std::string sealed(kNonceBytes + text.size() + kTagBytes, '\0');
  if (RAND_bytes(Bytes(sealed), kNonceBytes) != 1) return NotDone();
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done =
      context && EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(sealed)) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, Bytes(bound), static_cast<int>(bound.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), Bytes(sealed, kNonceBytes), &length, Bytes(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), Bytes(sealed, kNonceBytes + text.size()), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, Bytes(sealed, kNonceBytes + text.size())) ==
          1;
  if (!done) return NotDone();
  return sealed;
}

Result<std::string> Sealer::Open(std::string_view sealed, std::string_view bound) const {
  if (sealed.size() < kNonceBytes + kTagBytes) return NotOpened();
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const std::string_view body = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string text(body.size() + 1, '\0');  // never nothing, so that there is a place to write to
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool begun =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, Bytes(bound), static_cast<int>(bound.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), Bytes(text), &length, Bytes(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1;
  if (!begun || EVP_DecryptFinal_ex(context.get(), Bytes(text, body.size()), &length) != 1) {
    OPENSSL_cleanse(text.data(), text.size());
    return NotOpened();
  }
  text.resize(body.size());
  return text;
}

Result<std::string> NewSealKey() {
  std::string key(kSealKeyBytes, '\0');
  if (RAND_bytes(Bytes(key), static_cast<int>(key.size())) != 1)
    return Fail(ErrorCode::kInternal, "the system gives no random bytes");
  return key;
}

}  // namespace cromt
