#include "io/pki/authority.h"

#include <array>

#include "base/name.h"
#include "io/pki/openssl.h"

namespace cromt::pki {
namespace {

constexpr int kLeastRsaBits = 3072;
constexpr int kLeastEcBits = 256;
constexpr int kSerialBits = 127;  // positive, and 16 bytes at most

time_t Seconds(Wall time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

struct Extension {
  int nid;
  std::string value;  // in OpenSSL's words
};

void Add(X509& certificate, X509& issuer, const Extension& extension) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  ExtensionPtr made(X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value.c_str()));
  Must(made && X509_add_ext(&certificate, made.get(), -1) == 1);
}

void SetName(X509_NAME& name, const std::string& common) {
  // An upper bound of X.520, which OpenSSL keeps to; the whole name stands in the URI.
  constexpr size_t kMostCommonName = 64;
  const std::string text = common.substr(0, kMostCommonName);
  Must(X509_NAME_add_entry_by_NID(&name, NID_commonName, MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()),
                                  -1, 0) == 1);
}

// By which gRPC clients that are not ours check a server.
std::string DnsName(const Identity& identity) {
  switch (identity.kind) {
    case PeerKind::kCoordinator: return ",DNS:cromt-coordinator";
    case PeerKind::kAgent: return ",DNS:" + identity.name;
    case PeerKind::kUser: break;
  }
  return "";
}

// What all certificates have: version, a random serial, dates and the key.
CertificatePtr Begin(EVP_PKEY& key, Wall now, Duration lifetime) {
  CertificatePtr certificate(X509_new());
  Must(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  BignumPtr serial(BN_new());
  Must(serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  Must(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr);
  Must(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), Seconds(now - kClockSkew)) != nullptr);
  Must(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), Seconds(now + lifetime)) != nullptr);
  Must(X509_set_pubkey(certificate.get(), &key) == 1);
  return certificate;
}

Status CheckKey(EVP_PKEY& key) {
  const int bits = EVP_PKEY_get_bits(&key);
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448: return {};
    case EVP_PKEY_EC:
      if (bits >= kLeastEcBits) return {};
      break;
    case EVP_PKEY_RSA:
      if (bits >= kLeastRsaBits) return {};
      break;
    default: break;
  }
  return Fail(ErrorCode::kInvalid,
              "the key of the request is too weak: ECDSA from 256 bits on, RSA from 3072 on, or Ed25519 is needed");
}

// A request has nothing to say but its key.
Result<RequestPtr> ReadRequest(std::string_view pem) {
  RequestPtr request(PEM_read_bio_X509_REQ(Reader(pem).get(), nullptr, nullptr, nullptr));
  if (!request) return Fail(ErrorCode::kInvalid, "the request for a certificate: " + LastProblem());
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1)
    return Fail(ErrorCode::kInvalid, "the request for a certificate is not signed by its own key");
  if (X509_REQ_get_attr_count(request.get()) != 0)
    return Fail(ErrorCode::kInvalid,
                "the request for a certificate asks for names or uses, which are not its own to choose");
  CROMT_TRY(CheckKey(*key));
  return request;
}

}  // namespace

Result<Authority> Authority::Make(const MeshId& mesh, Wall now) {
  CROMT_ASSIGN(std::string key_pem, NewKey());
  CROMT_ASSIGN(const KeyPtr key, ReadKey(key_pem));
  const CertificatePtr certificate = Begin(*key, now, kAuthorityLifetime);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  // Of two authorities of one mesh, as there are while one follows the other, each has a name of its own.
  SetName(*name, "cromt mesh " + mesh.text() + " " + FormatRfc3339(now).substr(0, 19));
  Must(X509_set_issuer_name(certificate.get(), name) == 1);
  for (const Extension& extension : std::array<Extension, 3>{{
           {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
           {NID_key_usage, "critical,keyCertSign,cRLSign"},
           {NID_subject_key_identifier, "hash"},
       }})
    Add(*certificate, *certificate, extension);
  Must(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  return Authority(Pem(*certificate), std::move(key_pem));
}

Result<Authority> Authority::Load(std::string certificate, std::string key) {
  if (!BelongTogether(certificate, key))
    return Fail(ErrorCode::kInvalid, "the authority's certificate and its key do not belong together");
  return Authority(std::move(certificate), std::move(key));
}

Result<std::string> Authority::Sign(std::string_view request_pem, const Identity& identity, Wall now,
                                    Duration lifetime) const {
  // OpenSSL is given the names as text that it parses: nothing but what reads back as this identity may stand there.
  auto read = IdentityFromUri(ToUri(identity));
  if (!read || *read != identity) return Fail(ErrorCode::kInvalid, Quote(ToUri(identity)) + " is no name in a mesh");
  CROMT_ASSIGN(const RequestPtr request, ReadRequest(request_pem));
  CROMT_ASSIGN(const KeyPtr key, ReadKey(key_));
  CROMT_ASSIGN(const CertificatePtr issuer, ReadX509(*Reader(certificate_)));
  const CertificatePtr certificate = Begin(*X509_REQ_get0_pubkey(request.get()), now, lifetime);
  SetName(*X509_get_subject_name(certificate.get()), Describe(identity));
  Must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) == 1);
  const bool serves = identity.kind != PeerKind::kUser;
  for (const Extension& extension : std::array<Extension, 6>{{
           {NID_basic_constraints, "critical,CA:FALSE"},
           {NID_key_usage, "critical,digitalSignature"},
           {NID_ext_key_usage, serves ? "serverAuth,clientAuth" : "clientAuth"},
           {NID_subject_alt_name, "URI:" + ToUri(identity) + DnsName(identity)},
           {NID_subject_key_identifier, "hash"},
           {NID_authority_key_identifier, "keyid:always"},
       }})
    Add(*certificate, *issuer, extension);
  Must(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  return Pem(*certificate);
}

}  // namespace cromt::pki
