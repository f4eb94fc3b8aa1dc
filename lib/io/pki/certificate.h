// Keys, certificates and requests for them, all as PEM text. OpenSSL is behind this folder and nowhere else of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/identity.h"

namespace cromt::pki {

// What a certificate of a mesh says.
struct Certificate {
  Identity identity;
  std::string serial;  // lower-case hex, without leading zeros
  Wall not_before;
  Wall not_after;
};

// Of the first certificate in `pem`. kInvalid if there is none, if its alternative names are anything but one URI that
// names somebody of a mesh, and DNS names, which nothing here rests on; or if it is an authority's.
Result<Certificate> ReadCertificate(std::string_view pem);

// Whether it is to be renewed: two thirds of its time are over.
bool IsDue(const Certificate& certificate, Wall now);

// No file of keys and certificates is larger.
inline constexpr size_t kMostPemBytes = 1 << 20;

// SHA-256 over the DER form of each certificate in `pem`, in order, as 64 lower-case hex digits. kInvalid if there is
// none.
Result<std::vector<std::string>> Fingerprints(std::string_view pem);

// The first certificate in `pem`, alone.
Result<std::string> FirstCertificate(std::string_view pem);

// An authority's certificate.
struct AuthorityCertificate {
  std::string pem;
  std::string fingerprint;  // as of Fingerprints()
  Wall not_after;
};

// All certificates in `pem`, in order. kInvalid if there is none, or one that is no authority's.
Result<std::vector<AuthorityCertificate>> ReadAuthorities(std::string_view pem);

// Those certificates in `pem` that are authorities', as PEM; empty if there is none.
std::string AuthoritiesIn(std::string_view pem);

// True if the first certificate in `pem` has the signature of the first one in `authority`.
bool IsIssuedBy(std::string_view pem, std::string_view authority);

// A new private key (ECDSA, P-256; PKCS#8).
Result<std::string> NewKey();

// The private key in `pem`, alone.
Result<std::string> KeyOf(std::string_view pem);

// A request for a certificate for `key` (PKCS#10). It asks for nothing: who somebody is is not his to say.
Result<std::string> NewRequest(std::string_view key);

// SHA-256 over the public key (SubjectPublicKeyInfo, DER) of a certificate, of a request or of a private key, as 64
// lower-case hex digits. The last proves nothing of who holds it; a request proves that he has the private key.
Result<std::string> KeyFingerprint(std::string_view pem);

// True if the first certificate in `pem` is for `key`.
bool BelongTogether(std::string_view pem, std::string_view key);

}  // namespace cromt::pki
