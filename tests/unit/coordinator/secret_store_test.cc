// The coordinator's secrets: on disk encrypted, each bound to its place; the key beside them, or systemd's.
#include "coordinator/secret_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/seal/sealer.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Sealer, OpensWithTheSameKeyAndPlaceOnly) {
  const Sealer sealer(std::string(kSealKeyBytes, 'k')), other(std::string(kSealKeyBytes, 'o'));
  for (const std::string& text : {std::string("hunter22"), std::string(), std::string(100'000, 'x')}) {
    const std::string sealed = sealer.Seal(text, "place").value();
    EXPECT_EQ(sealer.Open(sealed, "place").value(), text);
    EXPECT_EQ(sealed.size(), text.size() + 28);
    EXPECT_FALSE(sealer.Open(sealed, "other"));
    EXPECT_FALSE(other.Open(sealed, "place"));
    for (size_t i = 0; i < sealed.size(); i += 1 + sealed.size() / 50) {
      std::string changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(sealer.Open(changed, "place")) << i;
    }
    EXPECT_FALSE(sealer.Open(sealed.substr(1), "place"));
    EXPECT_FALSE(sealer.Open(sealed.substr(0, 20), "place"));
  }
  EXPECT_NE(sealer.Seal("same", "place").value(), sealer.Seal("same", "place").value());
  EXPECT_NE(NewSealKey().value(), NewSealKey().value());
}

class SecretStoreTest : public testing::Test {
 protected:
  SecretStoreTest() {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::string pattern = testing::TempDir() + "/secret-store-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    Open();
  }
  ~SecretStoreTest() override {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    fs::remove_all(dir_);
  }

  void Open() {
    auto opened = SecretStore::Open(dir_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::string WhyNotOpened() const {
    auto opened = SecretStore::Open(dir_);
    return opened ? "" : opened.error().message;
  }
  void Set(const std::string& project, const std::string& name, const std::string& value) {
    auto set = store_->Set({project, name, value, "alice"}, WallFromMicros(1'000'000));
    ASSERT_TRUE(set) << set.error().message;
  }
  // What a task of the project gets; "-" = nothing.
  std::string ValueFor(const std::string& project, const std::string& name) const {
    const SecretValues values = store_->ValuesFor(project, {{name, "X", ""}});
    const std::string* value = FindSecret(values, name);
    return value ? *value : "-";
  }
  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }

  std::string dir_;
  std::unique_ptr<SecretStore> store_;
};

TEST_F(SecretStoreTest, ANewOneWritesNothing) {
  EXPECT_TRUE(fs::is_empty(dir_));
  EXPECT_THAT(store_->List(""), IsEmpty());
  EXPECT_EQ(ValueFor("p", "db"), "-");
  EXPECT_EQ(store_->ValuesFor("p", {}), nullptr);
}

TEST_F(SecretStoreTest, IsThereAfterARestart) {
  Set("p", "db", "hunter22");
  Set("p", "db", "hunter23");
  Set("", "all", std::string("a\0b", 3));
  Open();
  EXPECT_EQ(ValueFor("p", "db"), "hunter23");
  EXPECT_EQ(ValueFor("q", "all"), std::string("a\0b", 3));
  EXPECT_THAT(store_->List(""), ElementsAre(SecretView{"", "all", WallFromMicros(1'000'000), "alice"},
                                            SecretView{"p", "db", WallFromMicros(1'000'000), "alice"}));
}

TEST_F(SecretStoreTest, NobodyElsesProjectGetsIt) {
  Set("p", "db", "hunter22");
  Set("", "common", "for all");
  Set("p", "common", "of p");
  EXPECT_EQ(ValueFor("q", "db"), "-");
  EXPECT_EQ(ValueFor("", "db"), "-");
  EXPECT_EQ(ValueFor("q", "common"), "for all");
  EXPECT_EQ(ValueFor("p", "common"), "of p");
  EXPECT_EQ(store_->List("q").size(), 1u);
  EXPECT_EQ(store_->List("p").size(), 3u);
}

TEST_F(SecretStoreTest, NothingIsInClear) {
  Set("p", "db", "hunter22hunter22");
  EXPECT_EQ(Contents(dir_ + "/secrets").find("hunter22"), std::string::npos);
  EXPECT_NE(Contents(dir_ + "/secrets").find("db"), std::string::npos);
  EXPECT_EQ(ModeOf(dir_ + "/secrets"), 0600u);
  EXPECT_EQ(ModeOf(dir_ + "/secrets.key"), 0600u);
  EXPECT_EQ(Contents(dir_ + "/secrets.key").size(), 65u);
}

// Swaps what is sealed for two names of the same length.
TEST_F(SecretStoreTest, OneInThePlaceOfAnotherIsNotTaken) {
  Set("p", "aaaa", "value one");
  Set("q", "bbbb", "value two");
  std::string bytes = Contents(dir_ + "/secrets");
  bytes.replace(bytes.find("aaaa"), 4, "cccc");
  bytes.replace(bytes.find("bbbb"), 4, "aaaa");
  std::ofstream(dir_ + "/secrets", std::ios::binary) << bytes;
  Open();
  EXPECT_EQ(ValueFor("p", "cccc"), "-");
  EXPECT_EQ(ValueFor("q", "aaaa"), "-");
}

TEST_F(SecretStoreTest, WithoutTheirKeySecretsAreNotOpened) {
  Set("p", "db", "hunter22");
  const std::string key = Contents(dir_ + "/secrets.key");
  fs::remove(dir_ + "/secrets.key");
  EXPECT_THAT(WhyNotOpened(), HasSubstr("there is no key"));
  std::ofstream(dir_ + "/secrets.key") << std::string(64, 'a') << "\n";
  EXPECT_THAT(WhyNotOpened(), HasSubstr("everybody may read it"));
  ::chmod((dir_ + "/secrets.key").c_str(), 0600);
  EXPECT_THAT(WhyNotOpened(), HasSubstr("was made with another key"));
  std::ofstream(dir_ + "/secrets.key") << "no key\n";
  EXPECT_THAT(WhyNotOpened(), HasSubstr("holds no key of secrets"));
  std::ofstream(dir_ + "/secrets.key") << key;
  EXPECT_EQ(WhyNotOpened(), "");
}

TEST_F(SecretStoreTest, AKeyOfTheServiceManagerGoesFirst) {
  Set("p", "db", "hunter22");
  fs::create_directory(dir_ + "/credentials");
  fs::rename(dir_ + "/secrets.key", dir_ + "/credentials/cromt-secrets-key");
  EXPECT_THAT(WhyNotOpened(), HasSubstr("there is no key"));
  ::setenv("CREDENTIALS_DIRECTORY", (dir_ + "/credentials").c_str(), 1);
  Open();
  EXPECT_EQ(ValueFor("p", "db"), "hunter22");
  Set("p", "more", "value");
  EXPECT_FALSE(fs::exists(dir_ + "/secrets.key"));
}

TEST_F(SecretStoreTest, DamageIsFound) {
  Set("p", "db", "hunter22");
  const std::string bytes = Contents(dir_ + "/secrets");
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::ofstream(dir_ + "/secrets", std::ios::binary | std::ios::trunc) << bytes.substr(0, size);
    EXPECT_NE(WhyNotOpened(), "") << size;
  }
  std::ofstream(dir_ + "/secrets", std::ios::binary | std::ios::trunc) << bytes << "x";
  EXPECT_THAT(WhyNotOpened(), HasSubstr("is damaged"));
}

TEST_F(SecretStoreTest, WhatIsWrongIsSaidAndChangesNothing) {
  auto refused = [&](const std::string& project, const std::string& name, const std::string& value) {
    auto set = store_->Set({project, name, value, "alice"}, Wall{});
    return set ? std::string() : set.error().message;
  };
  EXPECT_THAT(refused("p", "../x", "hunter22"), HasSubstr("secret '../x'"));
  EXPECT_THAT(refused("a/b", "x", "hunter22"), HasSubstr("project 'a/b'"));
  EXPECT_THAT(refused("p", "x", ""), HasSubstr("empty value"));
  EXPECT_THAT(refused("p", "x", std::string(65'537, 'x')), HasSubstr("65537 bytes"));
  EXPECT_TRUE(fs::is_empty(dir_));
  Set("p", "db-password", "hunter22");
  EXPECT_THAT(store_->Remove("p", "db-pasword").error().message, HasSubstr("did you mean 'db-password'"));
  EXPECT_FALSE(store_->Remove("", "db-password"));
  EXPECT_TRUE(store_->Remove("p", "db-password"));
  EXPECT_THAT(store_->List(""), IsEmpty());
  Open();
  EXPECT_THAT(store_->List(""), IsEmpty());
}

TEST_F(SecretStoreTest, OneThatIsTooShortToHideIsWarnedOf) {
  EXPECT_THAT(store_->Set({"p", "pin", "123\n", ""}, Wall{}).value(), ElementsAre(HasSubstr("fewer than 4 bytes")));
  EXPECT_THAT(store_->Set({"p", "pin", "1234", ""}, Wall{}).value(), IsEmpty());
}

TEST_F(SecretStoreTest, OfARunWithoutAServerTheyAreTheFilesOfAnyProject) {
  const std::vector<std::pair<std::string, std::string>> values = {{"db", "hunter22"}};
  SecretStore given(values);
  EXPECT_EQ(*FindSecret(given.ValuesFor("any", {{"db", "X", ""}, {"db", "", "f"}, {"no", "Y", ""}}), "db"), "hunter22");
  EXPECT_FALSE(given.Set({"p", "db", "x", ""}, Wall{}));
}

}  // namespace
}  // namespace cromt
