// Goal: whichever system call fails, a blob store has all blobs that it acknowledged, and none that is not whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "io/blob/store.h"
#include "tests/unit/sweep/system_calls.h"

namespace cromt {
namespace {

using sweep::Case;
using sweep::Sweep;

// By the digest.
using Blobs = std::map<std::string, std::string>;

Result<Digest> Put(BlobStore& store, const std::string& content) {
  CROMT_ASSIGN(BlobWriter writer, store.Write());
  const std::string_view bytes = content;
  CROMT_TRY(writer.Append(bytes.substr(0, bytes.size() / 2)));
  CROMT_TRY(writer.Append(bytes.substr(bytes.size() / 2)));
  return writer.Commit();
}

// What was acknowledged. Whoever is refused tries once more, and the next process after that.
Blobs Work(const std::string& folder) {
  Blobs acknowledged;
  for (int process = 0; process < 2 && !sweep::Dead(); ++process) {
    auto store = BlobStore::Open(folder + "/blobs");
    if (!store) continue;
    for (char c : {'a', 'b', 'c'})
      for (int attempt = 0; attempt < 2; ++attempt) {
        const std::string content(2000, c);
        if (auto digest = Put(**store, content)) {
          acknowledged[digest->sha256] = content;
          break;
        }
      }
  }
  return acknowledged;
}

std::string ReadAll(int fd) {
  std::string bytes(10'000, '\0');
  const ssize_t got = read(fd, bytes.data(), bytes.size());
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

// What the next process finds.
void Check(const std::string& folder, const Blobs& acknowledged, const std::string& at) {
  auto store = BlobStore::Open(folder + "/blobs");
  ASSERT_TRUE(store) << at << ": " << store.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/blobs/tmp")) << at;
  auto list = (*store)->List();
  ASSERT_TRUE(list) << at;
  Blobs is;
  for (const Digest& digest : *list) {
    auto file = (*store)->Read(digest);
    ASSERT_TRUE(file) << at;
    is[digest.sha256] = ReadAll(file->get());
    EXPECT_EQ(Sha256Hex(is[digest.sha256]), digest.sha256) << at;
  }
  for (const auto& [digest, content] : acknowledged)
    EXPECT_TRUE(is.contains(digest) && is[digest] == content) << at << ": " << content[0];
  EXPECT_TRUE(Put(**store, "what comes after")) << at;
}

TEST(BlobSweep, NothingAcknowledgedIsLostAndNothingHalfWrittenIsBelieved) {
  Blobs acknowledged;
  const uint64_t calls = Sweep([&](const std::string& folder) { acknowledged = Work(folder); },
                               [&](const std::string& folder, const Case& at) {
                                 EXPECT_TRUE(at.call != 0 || acknowledged.size() == 3) << "nothing fails";
                                 Check(folder, acknowledged, at.text());
                               });
  EXPECT_GT(calls, 40u);
}

}  // namespace
}  // namespace cromt
