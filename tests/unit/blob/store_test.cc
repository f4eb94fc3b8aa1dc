#include "io/blob/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "io/blob/digest.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Digest kAbc{"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3};

class BlobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "cromt-blob-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    store_ = OpenStore();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(top_);
  }

  fs::path directory() const { return top_ / "blobs"; }

  std::unique_ptr<BlobStore> OpenStore() {
    auto store = BlobStore::Open(directory());
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }

  Result<Digest> Put(std::string_view bytes, const Digest& expected = {}) {
    CROMT_ASSIGN(BlobWriter writer, store_->Write());
    CROMT_TRY(writer.Append(bytes));
    return writer.Commit(expected);
  }

  std::string Get(const Digest& digest) {
    auto fd = store_->Read(digest);
    if (!fd) return "error: " + fd.error().message;
    std::string text(1000, '\0');
    text.resize(static_cast<size_t>(read(fd->get(), text.data(), text.size())));
    return text;
  }

  size_t Temporaries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory() / "tmp"), {}));
  }

  fs::path top_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobStoreTest, WhatIsWrittenIsReadByItsDigest) {
  EXPECT_FALSE(store_->Has(kAbc));
  auto digest = Put("abc");
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(*digest, kAbc);
  EXPECT_TRUE(store_->Has(kAbc));
  EXPECT_EQ(Get(kAbc), "abc");
  EXPECT_EQ(Temporaries(), 0u);
  EXPECT_TRUE(fs::exists(directory() / "ba" / kAbc.sha256.substr(2)));
}

TEST_F(BlobStoreTest, AnEmptyBlobIsABlob) {
  auto digest = Put("");
  ASSERT_TRUE(digest);
  EXPECT_TRUE(store_->Has(*digest));
  EXPECT_EQ(Get(*digest), "");
}

TEST_F(BlobStoreTest, BytesOfAnotherDigestAreNotPublished) {
  auto digest = Put("abd", kAbc);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(digest.error().message, HasSubstr("expected was sha256:ba7816bf8f01…/3"));
  EXPECT_FALSE(store_->Has(kAbc));
  EXPECT_EQ(Temporaries(), 0u);
  EXPECT_THAT(*store_->List(), IsEmpty());
}

TEST_F(BlobStoreTest, RightHashButWrongSizeIsAMismatch) {
  Digest expected = kAbc;
  expected.size_bytes = 4;
  EXPECT_EQ(Put("abc", expected).error().code, ErrorCode::kCorrupt);
}

TEST_F(BlobStoreTest, ADroppedWriterLeavesNothing) {
  {
    auto writer = store_->Write();
    ASSERT_TRUE(writer && writer->Append("abc"));
    EXPECT_EQ(Temporaries(), 1u);
  }
  EXPECT_EQ(Temporaries(), 0u);
  EXPECT_THAT(*store_->List(), IsEmpty());
}

TEST_F(BlobStoreTest, WhatAKilledWriterLeftIsRemovedAtTheNextOpen) {
  pid_t child = fork();  // style: allow fork: the child has to die in the middle of our own code
  if (child == 0) {
    auto writer = store_->Write();
    if (writer && writer->Append("abc")) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(Temporaries(), 1u);

  auto reopened = OpenStore();
  EXPECT_EQ(Temporaries(), 0u);
  EXPECT_FALSE(reopened->Has(kAbc));
}

TEST_F(BlobStoreTest, OpeningASecondTimeSparesAWriterAtWork) {
  auto writer = store_->Write();
  ASSERT_TRUE(writer && writer->Append("ab"));
  auto second = OpenStore();
  ASSERT_TRUE(writer->Append("c"));
  EXPECT_EQ(*writer->Commit(kAbc), kAbc);
  EXPECT_TRUE(second->Has(kAbc));
}

TEST_F(BlobStoreTest, ABlobCutShortOnDiskIsCorruptAndHealedByWritingItAgain) {
  ASSERT_TRUE(Put("abc"));
  const fs::path file = directory() / "ba" / kAbc.sha256.substr(2);
  fs::permissions(file, fs::perms::owner_all);
  fs::resize_file(file, 1);
  EXPECT_FALSE(store_->Has(kAbc));
  EXPECT_EQ(store_->Read(kAbc).error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(Put("abc"));
  EXPECT_EQ(Get(kAbc), "abc");
}

TEST_F(BlobStoreTest, RemovedWhileReadItStaysReadable) {
  ASSERT_TRUE(Put("abc"));
  auto fd = store_->Read(kAbc);
  ASSERT_TRUE(fd);
  EXPECT_TRUE(store_->Remove(kAbc));
  EXPECT_TRUE(store_->Remove(kAbc)) << "removing twice is no error";
  EXPECT_EQ(store_->Read(kAbc).error().code, ErrorCode::kNotFound);
  char bytes[4] = {};
  EXPECT_EQ(read(fd->get(), bytes, 4), 3);
}

TEST_F(BlobStoreTest, HostileDigestsAreRefused) {
  for (const std::string& name : {std::string("../../../../etc/passwd"), std::string(64, 'A'), std::string(63, 'a'),
                                  std::string(65, 'a'), std::string(""), std::string(64, '/'), std::string(64, '\0')}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(store_->Read(Digest{name, 1}).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(store_->Remove(Digest{name, 1}).error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(store_->Has(Digest{name, 1}));
  }
  EXPECT_EQ(store_->Read(Digest{kAbc.sha256, -1}).error().code, ErrorCode::kInvalid);
}

// A link planted in the store leads nowhere.
TEST_F(BlobStoreTest, ASymlinkInPlaceOfABlobIsNotFollowed) {
  std::ofstream(top_ / "secret") << "abc";
  fs::create_directory(directory() / "ba");
  fs::create_symlink(top_ / "secret", directory() / "ba" / kAbc.sha256.substr(2));
  EXPECT_FALSE(store_->Read(kAbc));
  EXPECT_THAT(*store_->List(), IsEmpty());
}

TEST_F(BlobStoreTest, ListNamesWhatIsThere) {
  ASSERT_TRUE(Put("abc"));
  auto other = Put("");
  std::ofstream(directory() / "ba" / "stray") << "x";
  EXPECT_THAT(*store_->List(), ElementsAre(kAbc, *other));
}

TEST_F(BlobStoreTest, ManyThreadsWriteTheSameBlobs) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(Put("blob " + std::to_string(i)));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store_->List()->size(), 20u);
  EXPECT_EQ(Temporaries(), 0u);
}

TEST_F(BlobStoreTest, FilesAreForTheOwnerOnly) {
  ASSERT_TRUE(Put("abc"));
  struct stat info {};
  ASSERT_EQ(stat(directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((directory() / "ba" / kAbc.sha256.substr(2)).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0400u);
}

TEST_F(BlobStoreTest, TrimRemovesWhatWasUsedLeastRecently) {
  std::vector<Digest> blobs;
  for (char c : {'a', 'b', 'c', 'd'}) blobs.push_back(*Put(std::string(100, c)));
  // As if they had been used an hour apart, the last one most recently.
  for (size_t i = 0; i < blobs.size(); ++i) {
    const timespec used[2] = {{static_cast<time_t>(1'700'000'000 + 3600 * i), 0}, {0, UTIME_OMIT}};
    fs::path path = directory() / blobs[i].sha256.substr(0, 2) / blobs[i].sha256.substr(2);
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), used, 0), 0);
  }
  auto open = store_->Read(blobs[1]);
  ASSERT_TRUE(open);  // reading is using
  EXPECT_EQ(store_->Trim(400)->blobs, 0);
  auto trimmed = store_->Trim(250);
  ASSERT_TRUE(trimmed);
  EXPECT_EQ(trimmed->blobs, 2);
  EXPECT_EQ(trimmed->bytes, 200);
  EXPECT_THAT(*store_->List(), ::testing::UnorderedElementsAre(blobs[1], blobs[3]));
  // What somebody needs stays, though it is too much.
  EXPECT_EQ(store_->Trim(0, [&](const Digest& digest) { return digest == blobs[1]; })->blobs, 1);
  EXPECT_THAT(*store_->List(), ::testing::ElementsAre(blobs[1]));
  EXPECT_EQ(store_->Trim(0)->blobs, 1);
  char byte = 0;
  EXPECT_EQ(::read(open->get(), &byte, 1), 1);  // who has it open keeps it
}

}  // namespace
}  // namespace cromt
