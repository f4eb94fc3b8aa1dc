#include "io/pki/certificate.h"

#include <openssl/err.h>

#include <algorithm>

#include "io/blob/sha256.h"
#include "io/pki/openssl.h"

namespace cromt::pki {
namespace {

// Also what a person may be asked for by OpenSSL's own callback: no key of ours has a password.
int NoPassword(char*, int, int, void*) {
  return -1;
}

// SHA-256 over the DER form that `write` (an i2d function of OpenSSL) gives of an object.
template <class Object>
std::string Fingerprint(int (*write)(Object*, unsigned char**), Object* object) {
  unsigned char* der = nullptr;
  const int size = write(object, &der);
  Must(size > 0);
  std::string hex = Sha256Hex({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return hex;
}

std::string KeyPem(EVP_PKEY& key) {
  BioPtr out(BIO_new(BIO_s_mem()));
  Must(out && PEM_write_bio_PKCS8PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Text(*out);
}

Result<Wall> ReadTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Fail(ErrorCode::kInvalid, "its dates can't be read");
  return Wall(std::chrono::seconds(::timegm(&parts)));
}

Result<Identity> ReadIdentity(const X509& certificate) {
  int found = -1;
  NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, &found)));
  const GENERAL_NAME* name = nullptr;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_DNS) continue;  // for programs that know nothing of ours
    if (one->type != GEN_URI || name) return Fail(ErrorCode::kInvalid, "it has other alternative names than one URI");
    name = one;
  }
  if (!name) return Fail(ErrorCode::kInvalid, "it has no URI among its alternative names");
  const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
  return IdentityFromUri(
      {reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)), static_cast<size_t>(ASN1_STRING_length(uri))});
}

std::string ReadSerial(const X509& certificate) {
  BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  Must(number != nullptr);
  char* hex = BN_bn2hex(number.get());
  Must(hex != nullptr);
  std::string text(hex);
  OPENSSL_free(hex);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  return text;
}

}  // namespace

std::string LastProblem() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason ? reason : "it can't be read";
}

std::string Pem(X509& certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  Must(out && PEM_write_bio_X509(out.get(), &certificate) == 1);
  return Text(*out);
}

BioPtr Reader(std::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Must(bio != nullptr);
  return bio;
}

std::string Text(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return {data, static_cast<size_t>(size)};
}

Result<KeyPtr> ReadKey(std::string_view pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, NoPassword, nullptr));
  if (!key) return Fail(ErrorCode::kInvalid, "the private key: " + LastProblem());
  return key;
}

Result<CertificatePtr> ReadX509(BIO& from) {
  CertificatePtr certificate(PEM_read_bio_X509(&from, nullptr, NoPassword, nullptr));
  if (!certificate) return Fail(ErrorCode::kInvalid, "the certificate: " + LastProblem());
  return certificate;
}

Result<Certificate> ReadCertificate(std::string_view pem) {
  CROMT_ASSIGN(CertificatePtr x509, ReadX509(*Reader(pem)));
  if (X509_check_ca(x509.get()) != 0) return Fail(ErrorCode::kInvalid, "the certificate is an authority's");
  Certificate certificate;
  auto identity = ReadIdentity(*x509);
  if (!identity) return Fail("the certificate", identity.error());
  certificate.identity = std::move(*identity);
  certificate.serial = ReadSerial(*x509);
  CROMT_ASSIGN(certificate.not_before, ReadTime(X509_get0_notBefore(x509.get())));
  CROMT_ASSIGN(certificate.not_after, ReadTime(X509_get0_notAfter(x509.get())));
  return certificate;
}

Result<std::string> KeyFingerprint(std::string_view pem) {
  KeyPtr key;
  if (RequestPtr request{PEM_read_bio_X509_REQ(Reader(pem).get(), nullptr, NoPassword, nullptr)})
    key.reset(X509_REQ_get_pubkey(request.get()));
  else if (auto certificate = ReadX509(*Reader(pem)))
    key.reset(X509_get_pubkey(certificate->get()));
  else if (auto read = ReadKey(pem))
    key = std::move(*read);
  ERR_clear_error();
  if (!key) return Fail(ErrorCode::kInvalid, "neither a certificate, nor a request for one, nor a private key");
  return Fingerprint<const EVP_PKEY>(i2d_PUBKEY, key.get());
}

bool IsDue(const Certificate& certificate, Wall now) {
  return now >= certificate.not_after - (certificate.not_after - certificate.not_before) / 3;
}

Result<std::vector<std::string>> Fingerprints(std::string_view pem) {
  std::vector<std::string> all;
  const BioPtr reader = Reader(pem);
  for (;;) {
    auto x509 = ReadX509(*reader);
    if (!x509 && all.empty()) return tl::unexpected(x509.error());
    if (!x509) return all;
    all.push_back(Fingerprint<const X509>(i2d_X509, x509->get()));
  }
}

Result<std::string> FirstCertificate(std::string_view pem) {
  CROMT_ASSIGN(const CertificatePtr x509, ReadX509(*Reader(pem)));
  return Pem(*x509);
}

Result<std::vector<AuthorityCertificate>> ReadAuthorities(std::string_view pem) {
  CROMT_ASSIGN(const auto fingerprints, Fingerprints(pem));
  std::vector<AuthorityCertificate> all;
  const BioPtr reader = Reader(pem);
  for (const std::string& fingerprint : fingerprints) {
    CROMT_ASSIGN(const CertificatePtr x509, ReadX509(*reader));
    if (X509_check_ca(x509.get()) == 0) return Fail(ErrorCode::kInvalid, "one of the certificates is no authority's");
    CROMT_ASSIGN(const Wall not_after, ReadTime(X509_get0_notAfter(x509.get())));
    all.push_back({Pem(*x509), fingerprint, not_after});
  }
  return all;
}

std::string AuthoritiesIn(std::string_view pem) {
  std::string all;
  const BioPtr reader = Reader(pem);
  for (auto x509 = ReadX509(*reader); x509; x509 = ReadX509(*reader))
    if (X509_check_ca(x509->get()) != 0) all += Pem(**x509);
  return all;
}

bool IsIssuedBy(std::string_view pem, std::string_view authority) {
  const auto certificate = ReadX509(*Reader(pem));
  const auto issuer = ReadX509(*Reader(authority));
  const bool issued = certificate && issuer && X509_check_issued(issuer->get(), certificate->get()) == X509_V_OK &&
                      X509_verify(certificate->get(), X509_get0_pubkey(issuer->get())) == 1;
  ERR_clear_error();
  return issued;
}

Result<std::string> NewKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return Fail(ErrorCode::kInternal, "can't make a private key: " + LastProblem());
  return KeyPem(*key);
}

Result<std::string> KeyOf(std::string_view pem) {
  CROMT_ASSIGN(const KeyPtr key, ReadKey(pem));
  return KeyPem(*key);
}

Result<std::string> NewRequest(std::string_view pem) {
  CROMT_ASSIGN(const KeyPtr key, ReadKey(pem));
  RequestPtr request(X509_REQ_new());
  Must(request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1);
  if (X509_REQ_set_pubkey(request.get(), key.get()) != 1 || X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return Fail(ErrorCode::kInvalid, "can't ask for a certificate: " + LastProblem());
  BioPtr out(BIO_new(BIO_s_mem()));
  Must(out && PEM_write_bio_X509_REQ(out.get(), request.get()) == 1);
  return Text(*out);
}

bool BelongTogether(std::string_view pem, std::string_view key) {
  auto certificate = ReadX509(*Reader(pem));
  auto mine = ReadKey(key);
  const bool together = certificate && mine && X509_check_private_key(certificate->get(), mine->get()) == 1;
  ERR_clear_error();
  return together;
}

}  // namespace cromt::pki
