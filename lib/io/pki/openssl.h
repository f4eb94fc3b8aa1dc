// OpenSSL's objects as owned values. Included by this folder's .cc files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/freer.h"
#include "base/result.h"

namespace cromt::pki {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

// For calls that fail only without memory or with an OpenSSL that lacks what every one has.
inline void Must(bool ok) {
  if (!ok) std::abort();
}

// What OpenSSL says last of what went wrong, its list of errors emptied.
std::string LastProblem();

BioPtr Reader(std::string_view pem);
std::string Text(BIO& bio);
Result<KeyPtr> ReadKey(std::string_view pem);
Result<CertificatePtr> ReadX509(BIO& from);
std::string Pem(X509& certificate);

}  // namespace cromt::pki
