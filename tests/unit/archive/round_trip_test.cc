#include <gmock/gmock.h>
#include <sys/stat.h>

#include "io/archive/writer.h"
#include "tests/support/command.h"
#include "tests/unit/archive/scratch.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Collects an archive in memory.
class Packed {
 public:
  Packed() : writer_([this](std::string_view bytes) { return bytes_.append(bytes), Status(); }) {}
  Status Directory(const std::string& path) { return writer_.Add({path, EntryKind::kDirectory, "", 0}); }
  Status Symlink(const std::string& path, const std::string& target) {
    return writer_.Add({path, EntryKind::kSymlink, target, 0});
  }
  Status File(const std::string& path, const std::string& text, EntryKind kind = EntryKind::kFile) {
    CROMT_TRY(writer_.Add({path, kind, "", static_cast<int64_t>(text.size())}));
    return writer_.Data(text);
  }
  std::string Finish() {
    EXPECT_TRUE(writer_.Finish());
    return bytes_;
  }
  ArchiveWriter& writer() { return writer_; }

 private:
  std::string bytes_;
  ArchiveWriter writer_;
};

class RoundTripTest : public ScratchTest {};

TEST_F(RoundTripTest, FilesDirectoriesAndLinksComeOutAsTheyWentIn) {
  Packed packed;
  ASSERT_TRUE(packed.File("README", "hello\n"));
  ASSERT_TRUE(packed.Directory("bin"));
  ASSERT_TRUE(packed.File("bin/run", "#!/bin/sh\n", EntryKind::kExecutable));
  ASSERT_TRUE(packed.Symlink("bin/readme", "../README"));
  ASSERT_TRUE(packed.File("bin/with blank\nand newline", std::string(513, 'x')));
  ASSERT_TRUE(packed.Directory("empty"));
  ASSERT_TRUE(packed.File("zero", ""));

  auto extracted = Extract(packed.Finish());
  ASSERT_TRUE(extracted) << extracted.error().message;
  EXPECT_EQ(extracted->entries, 7);
  EXPECT_EQ(extracted->total_bytes, 6 + 10 + 513);
  EXPECT_EQ(Contents(tree() / "README"), "hello\n");
  EXPECT_EQ(Contents(tree() / "bin/readme"), "hello\n");
  EXPECT_EQ(Contents(tree() / "bin/with blank\nand newline"), std::string(513, 'x'));
  EXPECT_TRUE(fs::is_directory(tree() / "empty"));
  EXPECT_EQ(fs::file_size(tree() / "zero"), 0u);
  EXPECT_EQ(fs::read_symlink(tree() / "bin/readme"), "../README");
}

TEST_F(RoundTripTest, ModesDoNotDependOnTheUmask) {
  Packed packed;
  ASSERT_TRUE(packed.Directory("d"));
  ASSERT_TRUE(packed.File("d/plain", "x"));
  ASSERT_TRUE(packed.File("d/run", "x", EntryKind::kExecutable));
  mode_t before = umask(077);
  auto extracted = Extract(packed.Finish());
  umask(before);
  ASSERT_TRUE(extracted);
  EXPECT_EQ(fs::status(tree() / "d").permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(tree() / "d/plain").permissions(), fs::perms(0644));
  EXPECT_EQ(fs::status(tree() / "d/run").permissions(), fs::perms(0755));
}

TEST_F(RoundTripTest, LongNamesAndTargets) {
  Packed packed;
  std::string path;
  for (int i = 0; i < 16; ++i) {
    path += (path.empty() ? "" : "/") + std::string(200, static_cast<char>('a' + i));
    ASSERT_TRUE(packed.Directory(path));
  }
  ASSERT_TRUE(packed.File(path + "/leaf", "deep"));
  ASSERT_TRUE(packed.Symlink("link", path + "/leaf"));
  ASSERT_TRUE(packed.File(std::string(99, 'n'), "99"));
  ASSERT_TRUE(packed.File(std::string(100, 'n'), "100"));
  ASSERT_TRUE(packed.File(std::string(101, 'n'), "101"));
  auto extracted = Extract(packed.Finish());
  ASSERT_TRUE(extracted) << extracted.error().message;
  EXPECT_EQ(Contents(tree() / "link"), "deep");
  EXPECT_EQ(Contents(tree() / std::string(100, 'n')), "100");
  EXPECT_EQ(Contents(tree() / std::string(101, 'n')), "101");
}

TEST_F(RoundTripTest, AFileLargerThanEveryBuffer) {
  std::string big(3'000'001, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 >> 3);
  Packed packed;
  ASSERT_TRUE(packed.File("big", big));
  ASSERT_TRUE(packed.File("after", "small"));
  ASSERT_TRUE(Extract(packed.Finish()));
  EXPECT_TRUE(Contents(tree() / "big") == big);
  EXPECT_EQ(Contents(tree() / "after"), "small");
}

TEST_F(RoundTripTest, TheSystemsTarReadsWhatWeWrite) {
  Packed packed;
  ASSERT_TRUE(packed.Directory("d"));
  ASSERT_TRUE(packed.File("d/" + std::string(180, 'n'), "long"));
  ASSERT_TRUE(packed.Symlink("l", "d"));
  std::ofstream(top_ / "a.tar", std::ios::binary) << packed.Finish();
  auto tar = RunCommand({"tar", "-C", tree(), "-xf", top_ / "a.tar"});
  ASSERT_EQ(tar.code, 0) << tar.output;
  EXPECT_EQ(Contents(tree() / "l" / std::string(180, 'n')), "long");
}

TEST_F(RoundTripTest, WeReadWhatTheSystemsTarWrites) {
  fs::create_directories(top_ / "in/d");
  std::ofstream(top_ / "in/d" / std::string(150, 'n')) << "long";
  std::ofstream(top_ / "in/short") << "short";
  auto tar = RunCommand({"tar", "--format=posix", "-C", top_ / "in", "-cf", top_ / "a.tar", "d", "short"});
  ASSERT_EQ(tar.code, 0) << tar.output;
  auto extracted = Extract(Contents(top_ / "a.tar"));
  ASSERT_TRUE(extracted) << extracted.error().message;
  EXPECT_EQ(Contents(tree() / "d" / std::string(150, 'n')), "long");
}

TEST_F(RoundTripTest, TheSameEntriesGiveTheSameBytes) {
  auto pack = [] {
    Packed packed;
    EXPECT_TRUE(packed.Directory("d"));
    EXPECT_TRUE(packed.File("d/f", "x"));
    return packed.Finish();
  };
  std::string bytes = pack();
  EXPECT_EQ(bytes, pack());
  EXPECT_EQ(bytes.size(), 5u * 512);
}

TEST_F(RoundTripTest, TheWriterRefusesWhatAReaderWould) {
  Packed packed;
  EXPECT_EQ(packed.File("../x", "").error().code, ErrorCode::kInvalid);
  EXPECT_THAT(packed.Symlink("tasks", "/etc").error().message, HasSubstr("'tasks': a symbolic link to '/etc'"));
}

TEST_F(RoundTripTest, MoreOrFewerBytesThanAnnouncedIsOurOwnMistake) {
  Packed packed;
  ASSERT_TRUE(packed.writer().Add({"f", EntryKind::kFile, "", 3}));
  EXPECT_FALSE(packed.writer().Data("1234"));
  ASSERT_TRUE(packed.writer().Data("12"));
  EXPECT_FALSE(packed.writer().Add({"g", EntryKind::kFile, "", 0}));
  EXPECT_FALSE(packed.writer().Finish());
}

}  // namespace
}  // namespace cromt
