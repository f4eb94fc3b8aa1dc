#include "io/git/helper/known_hosts.h"

#include <gmock/gmock.h>

#include "tests/unit/git/fixture.h"

namespace cromt::git {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Trust = KnownHosts::Trust;

// A key as it travels; `last` makes two of one type differ.
HostKey Key(const std::string& type, char last = 'x') {
  return {std::string(3, '\0') + static_cast<char>(type.size()) + type + std::string(4, '\0') + last};
}

// "ssh-ed25519 AAAA…", as in a file.
std::string Text(const HostKey& key) {
  const std::string line = KnownHosts::Line("h", 22, key);
  return line.substr(line.find(' ') + 1);
}

const HostKey kEd = Key("ssh-ed25519"), kOtherEd = Key("ssh-ed25519", 'y'), kEcdsa = Key("ecdsa-sha2-nistp256");

KnownHosts Of(const std::string& text) {
  KnownHosts known;
  known.Add(text, "F");
  return known;
}

Trust TrustOf(const std::string& text, const std::string& host = "host", uint16_t port = 22, const HostKey& key = kEd) {
  return Of(text).Check(host, port, key).trust;
}

TEST(KnownHosts, ALineForAHost) {
  const std::string line = "host " + Text(kEd) + " comment\n";
  EXPECT_EQ(TrustOf(line), Trust::kKnown);
  EXPECT_EQ(TrustOf(line, "HOST"), Trust::kKnown);
  EXPECT_EQ(TrustOf(line, "other"), Trust::kUnknown);
  EXPECT_EQ(TrustOf(line, "host.evil"), Trust::kUnknown);
  EXPECT_EQ(TrustOf(line, "host", 2222), Trust::kUnknown);
  EXPECT_EQ(TrustOf(line, "host", 22, kOtherEd), Trust::kChanged);
  EXPECT_EQ(TrustOf(line, "host", 22, kEcdsa), Trust::kUnknown);
  EXPECT_EQ(Of("# a comment\n\n" + line).Check("host", 22, kOtherEd).place, "F:3");
}

TEST(KnownHosts, SeveralLinesOfOneHost) {
  const std::string both = "host " + Text(kOtherEd) + "\nhost " + Text(kEd) + "\n";
  EXPECT_EQ(TrustOf(both), Trust::kKnown);
  EXPECT_EQ(TrustOf(both, "host", 22, kOtherEd), Trust::kKnown);
}

TEST(KnownHosts, PortsListsPatterns) {
  EXPECT_EQ(TrustOf("[host]:2222 " + Text(kEd), "host", 2222), Trust::kKnown);
  EXPECT_EQ(TrustOf("[host]:2222 " + Text(kEd), "host", 22), Trust::kUnknown);
  EXPECT_EQ(TrustOf("a,host,b " + Text(kEd)), Trust::kKnown);
  EXPECT_EQ(TrustOf("*.example.org " + Text(kEd), "git.example.org"), Trust::kKnown);
  EXPECT_EQ(TrustOf("*.example.org " + Text(kEd), "example.org"), Trust::kUnknown);
  EXPECT_EQ(TrustOf("*.example.org,!git.example.org " + Text(kEd), "git.example.org"), Trust::kUnknown);
  EXPECT_EQ(TrustOf("h?st " + Text(kEd)), Trust::kKnown);
  EXPECT_EQ(TrustOf("::1 " + Text(kEd), "::1"), Trust::kKnown);
  EXPECT_EQ(TrustOf("*" + std::string(2000, '*') + "z " + Text(kEd), std::string(255, 'a')), Trust::kUnknown);
}

TEST(KnownHosts, Markers) {
  EXPECT_EQ(TrustOf("host " + Text(kEd) + "\n@revoked * " + Text(kEd)), Trust::kRevoked);
  EXPECT_EQ(TrustOf("@revoked host " + Text(kEd) + "\nhost " + Text(kEd)), Trust::kRevoked);
  EXPECT_EQ(TrustOf("@revoked host " + Text(kOtherEd) + "\nhost " + Text(kEd)), Trust::kKnown);
  EXPECT_EQ(TrustOf("@cert-authority host " + Text(kEd)), Trust::kUnknown);
  EXPECT_EQ(TrustOf("@nonsense host " + Text(kEd)), Trust::kUnknown);
}

TEST(KnownHosts, RubbishIsPassedOver) {
  const std::string good = "host " + Text(kEd);
  for (const std::string& bad :
       {std::string("host"), std::string("host ssh-ed25519"), std::string("host ssh-ed25519 !!!!"),
        std::string("host ssh-rsa ") + Text(kEd).substr(12), std::string("|1|x|y ssh-ed25519 AAAA"),
        std::string("|1| ") + Text(kEd), std::string(1, '\0'), std::string("host ssh-ed25519 ====")}) {
    EXPECT_EQ(TrustOf(bad), Trust::kUnknown) << bad;
    EXPECT_EQ(TrustOf(bad + "\n" + good), Trust::kKnown) << bad;
  }
  EXPECT_EQ(TrustOf("host " + Text(kEd) + "\r\n"), Trust::kKnown);
}

// As the real programs write them.
class KnownHostsFile : public GitTest {};

TEST_F(KnownHostsFile, HashedNamesOfSshKeygen) {
  MustRun({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", (top_ / "key").string()});
  const std::string pub = Contents(top_ / "key.pub");
  const std::string file = PrivateFile(top_ / "known_hosts", "host " + pub + "[host]:2222 " + pub);
  MustRun({"ssh-keygen", "-H", "-f", file});
  ASSERT_EQ(Contents(file).find("host"), std::string::npos) << Contents(file);
  auto known = KnownHosts::Load({file, (top_ / "missing").string()});
  ASSERT_TRUE(known) << known.error().message;
  for (uint16_t port : {22, 2222}) {
    const std::string line = known->LineOf("Host", port, "ssh-ed25519");
    EXPECT_THAT(line, ::testing::HasSubstr(pub.substr(0, pub.find(' ', 15)))) << port;
  }
  EXPECT_EQ(known->LineOf("other", 22, "ssh-ed25519"), "");
}

TEST_F(KnownHostsFile, AFingerprintIsTheOneOfSshKeygen) {
  MustRun({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", (top_ / "key").string()});
  const std::string pub = Contents(top_ / "key.pub");
  const std::string encoded = pub.substr(12, pub.find(' ', 12) - 12);
  const HostKey key{MustRun({"base64", "-d", PrivateFile(top_ / "encoded", encoded)})};
  EXPECT_EQ(key.Type(), "ssh-ed25519");
  EXPECT_EQ(KnownHosts::Line("h", 22, key), "h ssh-ed25519 " + encoded);
  const std::string listed = MustRun({"ssh-keygen", "-l", "-f", (top_ / "key.pub").string()});
  EXPECT_THAT(listed, ::testing::HasSubstr(" " + key.Fingerprint() + " "));
}

TEST(KnownHosts, TheTypesOfAHostBestFirst) {
  const std::string text = "host " + Text(Key("ssh-rsa")) + "\nhost " + Text(kEcdsa) + "\nhost " + Text(kEd) +
                           "\nother " + Text(Key("ecdsa-sha2-nistp521")) + "\n@revoked host " +
                           Text(Key("ecdsa-sha2-nistp384"));
  EXPECT_THAT(Of(text).TypesOf("host", 22), ElementsAre("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"));
  EXPECT_THAT(Of(text).TypesOf("nobody", 22), IsEmpty());
}

TEST(KnownHosts, TheLineToAddMakesItKnown) {
  for (uint16_t port : {22, 2222}) {
    EXPECT_EQ(Of(KnownHosts::Line("Host", port, kEd)).Check("host", port, kEd).trust, Trust::kKnown);
  }
  EXPECT_EQ(KnownHosts::Line("Host", 2222, kEd).substr(0, 24), "[host]:2222 ssh-ed25519 ");
}

TEST(KnownHosts, KeysThatAreNone) {
  EXPECT_EQ(HostKey{""}.Type(), "");
  EXPECT_EQ(HostKey{std::string("\xff\xff\xff\xffxx", 6)}.Type(), "");
  EXPECT_EQ(HostKey{std::string("\0\0\0\x05xx", 6)}.Type(), "");
}

}  // namespace
}  // namespace cromt::git
