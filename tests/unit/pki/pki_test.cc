#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "io/pki/authority.h"
#include "io/pki/certificate.h"

namespace cromt::pki {
namespace {

const Wall kNow = WallFromMicros(1'800'000'000'000'000);
const Identity kAgent{MeshId("m"), PeerKind::kAgent, "h1", false};

// A request with `key`, which `change` may make ask for more.
std::string Request(EVP_PKEY* key, const std::function<void(X509_REQ&)>& change = {}) {
  X509_REQ* request = X509_REQ_new();
  X509_REQ_set_pubkey(request, key);
  if (change) change(*request);
  X509_REQ_sign(request, key, EVP_PKEY_is_a(key, "ED25519") ? nullptr : EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(out, request);
  char* data = nullptr;
  std::string pem(data, 0);
  const long size = BIO_get_mem_data(out, &data);
  pem.assign(data, static_cast<size_t>(size));
  BIO_free(out);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  return pem;
}

void Ask(X509_REQ& request, int nid, const char* value) {
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  X509_REQ_add_extensions(&request, extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

class PkiTest : public testing::Test {
 protected:
  const Authority authority_ = *Authority::Make(MeshId("m"), kNow);
};

TEST_F(PkiTest, WhatItSignsNamesWhoIsMeant) {
  const std::string key = *NewKey();
  auto pem = authority_.Sign(*NewRequest(key), kAgent, kNow);
  ASSERT_TRUE(pem) << pem.error().message;
  auto certificate = ReadCertificate(*pem);
  ASSERT_TRUE(certificate) << certificate.error().message;
  EXPECT_EQ(certificate->identity, kAgent);
  EXPECT_EQ(certificate->not_before, kNow - kClockSkew);
  EXPECT_EQ(certificate->not_after, kNow + kLifetime);
  EXPECT_GE(certificate->serial.size(), 30u);
  EXPECT_TRUE(BelongTogether(*pem, key));
  EXPECT_FALSE(BelongTogether(*pem, *NewKey()));
  auto again = authority_.Sign(*NewRequest(key), kAgent, kNow);
  EXPECT_NE(ReadCertificate(*again)->serial, certificate->serial);
}

TEST_F(PkiTest, ItIsLoadedOnlyWithItsOwnKey) {
  EXPECT_TRUE(Authority::Load(authority_.certificate(), authority_.key()));
  EXPECT_FALSE(Authority::Load(authority_.certificate(), *NewKey()));
  EXPECT_FALSE(Authority::Load("", authority_.key()));
}

TEST_F(PkiTest, AnAuthorityIsNobodyOfTheMesh) {
  EXPECT_FALSE(ReadCertificate(authority_.certificate()));
  EXPECT_EQ(Fingerprints(authority_.certificate() + authority_.certificate())->size(), 2u);
}

TEST_F(PkiTest, WhoHasSignedIsTheSignaturesToSay) {
  const Authority other = *Authority::Make(MeshId("mesh1"), kNow);  // of the same name
  const std::string leaf = *authority_.Sign(*NewRequest(*NewKey()), kAgent, kNow);
  EXPECT_TRUE(IsIssuedBy(leaf + other.certificate(), authority_.certificate()));
  EXPECT_FALSE(IsIssuedBy(leaf + authority_.certificate(), other.certificate()));
  EXPECT_FALSE(IsIssuedBy("rubbish", authority_.certificate()));
  EXPECT_FALSE(IsIssuedBy(leaf, leaf));
  const auto both = ReadAuthorities(authority_.certificate() + other.certificate());
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ((*both)[1].pem, other.certificate());
  EXPECT_EQ((*both)[1].fingerprint, Fingerprints(other.certificate())->front());
  EXPECT_GT((*both)[1].not_after, kNow + kLifetime);
  EXPECT_FALSE(ReadAuthorities(authority_.certificate() + leaf));
  EXPECT_FALSE(ReadAuthorities(""));
  EXPECT_EQ(*FirstCertificate(leaf + other.certificate()), leaf);
}

TEST_F(PkiTest, ARequestMayAskForNothing) {
  auto refused = [&](const std::string& request, const char* why) {
    auto answer = authority_.Sign(request, kAgent, kNow);
    ASSERT_FALSE(answer) << why;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid);
    EXPECT_NE(answer.error().message.find(why), std::string::npos) << answer.error().message;
  };
  auto asks = [](int nid, const char* value) {
    return Request(EVP_EC_gen("P-256"), [=](X509_REQ& request) { Ask(request, nid, value); });
  };
  refused(asks(NID_subject_alt_name, "URI:spiffe://m/coordinator"), "not its own to choose");
  refused(asks(NID_basic_constraints, "critical,CA:TRUE"), "not its own to choose");
  refused(asks(NID_ext_key_usage, "serverAuth"), "not its own to choose");
  refused(Request(EVP_RSA_gen(2048)), "too weak");
  refused(Request(EVP_EC_gen("P-192")), "too weak");
  refused("", "the request");
  refused("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "the request");
  std::string broken = Request(EVP_EC_gen("P-256"));
  const size_t middle = broken.size() / 2;
  broken[middle] = broken[middle] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(authority_.Sign(broken, kAgent, kNow));
}

TEST_F(PkiTest, OtherStrongKeysAreGood) {
  EXPECT_TRUE(authority_.Sign(Request(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), kAgent, kNow));
  EXPECT_TRUE(authority_.Sign(Request(EVP_RSA_gen(3072)), kAgent, kNow));
}

TEST_F(PkiTest, ASubjectIsNotTakenOver) {
  const std::string request = Request(EVP_EC_gen("P-256"), [](X509_REQ& asked) {
    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(&asked), NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("coordinator"), -1, -1, 0);
  });
  auto pem = authority_.Sign(request, kAgent, kNow);
  ASSERT_TRUE(pem);
  EXPECT_EQ(ReadCertificate(*pem)->identity, kAgent);
}

TEST_F(PkiTest, NamesThatOpenSslWouldReadAsMoreAreRefused) {
  const std::string request = *NewRequest(*NewKey());
  for (const char* name : {"", "h1,URI:spiffe://m/coordinator", "h1\nx", "a/b", "*"})
    EXPECT_FALSE(authority_.Sign(request, Identity{MeshId("m"), PeerKind::kAgent, name, false}, kNow)) << name;
}

}  // namespace
}  // namespace cromt::pki
