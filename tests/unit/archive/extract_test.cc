// Archives as an attacker writes them: each is refused, and nothing outside the directory is touched.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "io/archive/entry.h"
#include "io/archive/header.h"
#include "tests/unit/archive/scratch.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using tar::Header;
using ::testing::HasSubstr;

// Raw headers, no rules.
std::string Raw(char type, const std::string& name, const std::string& data = "", const std::string& link = "",
                const char* mode = "0000644", std::optional<std::string> size = {}) {
  Header header{};
  memcpy(header.name, name.data(), std::min<size_t>(name.size(), 100));
  memcpy(header.linkname, link.data(), std::min<size_t>(link.size(), 100));
  memcpy(header.mode, mode, 8);
  std::string octal = size ? *size : fmt::format("{:011o}", data.size());
  memcpy(header.size, octal.data(), std::min<size_t>(octal.size(), 12));
  header.type = type;
  memcpy(header.magic, "ustar", 6);
  memcpy(header.version, "00", 2);
  fmt::format_to_n(header.checksum, 7, "{:06o}", tar::ChecksumOf(header));
  header.checksum[7] = ' ';
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += data;
  out.append(tar::PaddingOf(static_cast<int64_t>(data.size())), '\0');
  return out;
}

std::string File(const std::string& name, const std::string& data) {
  return Raw('0', name, data);
}
std::string Directory(const std::string& name) {
  return Raw('5', name, "", "", "0000755");
}
std::string Link(const std::string& name, const std::string& target) {
  return Raw('2', name, "", target);
}
std::string Pax(const std::string& record) {
  return Raw('x', "pax", record);
}
// A record whose length is right.
std::string Pax(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return Pax(std::to_string(length) + rest);
}
const std::string kEnd(1024, '\0');

class ExtractTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    fs::create_directory(top_ / "outside");
    std::ofstream(top_ / "outside/kept") << "untouched";
  }

  // Refused with `code` and a message that holds `part`; nothing new outside.
  void ExpectRefused(const std::string& archive, ErrorCode code, const std::string& part) {
    auto extracted = Extract(archive);
    ASSERT_FALSE(extracted) << "was extracted";
    EXPECT_EQ(extracted.error().code, code) << extracted.error().message;
    EXPECT_THAT(extracted.error().message, HasSubstr(part));
    EXPECT_EQ(Contents(top_ / "outside/kept"), "untouched");
    EXPECT_EQ(std::distance(fs::directory_iterator(top_ / "outside"), {}), 1);
    EXPECT_EQ(std::distance(fs::directory_iterator(top_), {}), 3);  // archive, tree, outside
  }
};

TEST_F(ExtractTest, NamesThatLeadOut) {
  for (std::string name :
       {"../outside/x", "/tmp/x", "a/../../outside/x", "..", ".", "./x", "a//x", "/", "a/./x", "a/"}) {
    SCOPED_TRACE(name);
    ExpectRefused(File(name, "evil") + kEnd, ErrorCode::kInvalid, "archive: ");
  }
  ExpectRefused(File("", "evil") + kEnd, ErrorCode::kInvalid, "an empty name");
  ExpectRefused(Pax("path", "../outside/x") + File("ok", "") + kEnd, ErrorCode::kInvalid, "'..' as a component");
  ExpectRefused(Pax("path", std::string("a\0b", 3)) + File("ok", "") + kEnd, ErrorCode::kInvalid, "NUL");
}

TEST_F(ExtractTest, LinksThatLeadOut) {
  ExpectRefused(Link("l", "/etc") + kEnd, ErrorCode::kInvalid, "'l': a symbolic link to '/etc', which points out");
  ExpectRefused(Link("l", "..") + kEnd, ErrorCode::kInvalid, "points out of the tree");
  ExpectRefused(Directory("d") + Link("d/l", "../../outside") + kEnd, ErrorCode::kInvalid, "points out of the tree");
  ExpectRefused(Link("l2", "") + kEnd, ErrorCode::kInvalid, "empty");
}

// a/b/up climbs to the root, which is allowed; but through it ".." would climb one more, over the root.
TEST_F(ExtractTest, ALinkThatLeadsOutThroughAnotherLink) {
  ExpectRefused(Directory("a") + Directory("a/b") + Link("a/b/up", "../..") + Link("out", "a/b/up/../outside") + kEnd,
                ErrorCode::kInvalid, "'..' is taken only at the beginning");
}

TEST_F(ExtractTest, LinksWithinTheTreeAreFine) {
  auto extracted = Extract(Directory("d") + Directory("d/e") + File("f", "x") + Link("d/e/up", "../../f") +
                           Link("same", "./d/e/up") + Link("dangling", "nothing") + kEnd);
  ASSERT_TRUE(extracted) << extracted.error().message;
  EXPECT_EQ(Contents(tree() / "same"), "x");
}

TEST_F(ExtractTest, WritingThroughALink) {
  ExpectRefused(Directory("d") + Link("l", "d") + File("l/x", "evil") + kEnd, ErrorCode::kInvalid, "under something");
  EXPECT_FALSE(fs::exists(tree() / "d/x"));
}

// Somebody else put a link into the directory before: the kernel refuses to walk through it.
TEST_F(ExtractTest, WritingThroughALinkThatWasThereBefore) {
  fs::create_symlink(top_ / "outside", tree() / "l");
  fs::create_symlink(top_ / "outside/made", tree() / "f");
  ExpectRefused(File("l/x", "evil") + kEnd, ErrorCode::kInvalid, "under something that is no directory");
  ExpectRefused(File("f", "evil") + kEnd, ErrorCode::kInvalid, "comes twice");
  ExpectRefused(Directory("l/d") + kEnd, ErrorCode::kInvalid, "under something that is no directory");
  ExpectRefused(Link("l/s", "x") + kEnd, ErrorCode::kInvalid, "under something that is no directory");
}

TEST_F(ExtractTest, KindsThatAreNotTaken) {
  ExpectRefused(Raw('1', "hard", "", "../outside/kept") + kEnd, ErrorCode::kInvalid, "'hard' is a hard link");
  ExpectRefused(Raw('3', "null") + kEnd, ErrorCode::kInvalid, "'null' is a device");
  ExpectRefused(Raw('4', "disk") + kEnd, ErrorCode::kInvalid, "is a device");
  ExpectRefused(Raw('6', "pipe") + kEnd, ErrorCode::kInvalid, "'pipe' is a FIFO");
  ExpectRefused(Raw('S', "holes") + kEnd, ErrorCode::kInvalid, "is a sparse file");
  ExpectRefused(Raw('L', "gnu", "name") + kEnd, ErrorCode::kInvalid, "not taken");
  ExpectRefused(Raw('g', "global", "9 path=x\n") + kEnd, ErrorCode::kInvalid, "not taken");
  ExpectRefused(Pax("GNU.sparse.major", "1") + File("ok", "") + kEnd, ErrorCode::kInvalid, "sparse");
  EXPECT_TRUE(fs::is_empty(tree()));
}

TEST_F(ExtractTest, SetuidAndWideModesAreDropped) {
  ASSERT_TRUE(Extract(Raw('0', "suid", "x", "", "0006777") + Raw('0', "wide", "x", "", "0000666") +
                      Raw('5', "sticky", "", "", "0003777") + kEnd));
  EXPECT_EQ(fs::status(tree() / "suid").permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(tree() / "wide").permissions(), fs::perms(0644));
  EXPECT_EQ(fs::status(tree() / "sticky").permissions(), fs::perms(0755));
}

TEST_F(ExtractTest, NamesThatComeTwice) {
  ExpectRefused(File("a", "1") + File("a", "2") + kEnd, ErrorCode::kInvalid, "'a' comes twice");
  ExpectRefused(Directory("d") + Directory("d/") + kEnd, ErrorCode::kInvalid, "'d' comes twice");
  ExpectRefused(Link("l", "x") + File("l", "") + kEnd, ErrorCode::kInvalid, "'l' comes twice");
  ExpectRefused(File("no/where", "") + kEnd, ErrorCode::kInvalid, "comes before its directory");
}

TEST_F(ExtractTest, DamagedBytes) {
  const std::string good = File("a", "12345") + kEnd;
  for (size_t cut : {size_t{0}, size_t{100}, size_t{512}, size_t{514}, size_t{1024}, size_t{1536}}) {
    SCOPED_TRACE(cut);
    fs::remove(tree() / "a");
    ExpectRefused(good.substr(0, cut), ErrorCode::kCorrupt, "ends too early");
  }
  fs::remove(tree() / "a");
  ExpectRefused(good + "x", ErrorCode::kCorrupt, "something follows its end");
  fs::remove(tree() / "a");
  ExpectRefused(good + std::string(512, '\0') + std::string(512, 'x'), ErrorCode::kCorrupt, "something follows");
  fs::remove(tree() / "a");
  ExpectRefused(good + std::string(20 * 512, '\0'), ErrorCode::kCorrupt, "something follows its end");
  std::string flipped = good;
  flipped[0] = 'b';
  ExpectRefused(flipped, ErrorCode::kCorrupt, "sum");
  ExpectRefused(std::string(4096, 'x'), ErrorCode::kCorrupt, "not a POSIX tar header");
}

TEST_F(ExtractTest, SizesThatLie) {
  ExpectRefused(Raw('0', "huge", "", "", "0000644", "77777777777") + kEnd, ErrorCode::kCorrupt, "ends too early");
  ExpectRefused(Raw('0', "minus", "", "", "0000644", "-0000000001") + kEnd, ErrorCode::kCorrupt, "not a number");
  ExpectRefused(
      Raw('0', "gnu", "", "", "0000644", std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)) + kEnd,
      ErrorCode::kCorrupt, "not a number");
  ExpectRefused(Raw('5', "d", "", "", "0000755", "00000000005") + kEnd, ErrorCode::kCorrupt, "though it is no file");
  // 8 EB by a pax record: refused by the limit before a byte is written.
  ExpectRefused(Pax("size", "9223372036854775807") + File("holes", "") + kEnd, ErrorCode::kExhausted, "'holes'");
  EXPECT_FALSE(fs::exists(tree() / "holes"));
}

TEST_F(ExtractTest, RecordsThatLie) {
  for (std::string record :
       {"x", "5", "99 path=a\n", "0 path=a\n", "11 path=a\n", "9 pathXa\n", "99999999999999999999 path=a\n",
        "-9 path=a\n", "9 path=a\n7", "18446744073709551615 a=b\n"}) {
    SCOPED_TRACE(record);
    ExpectRefused(Pax(record) + File("ok", "") + kEnd, ErrorCode::kCorrupt, "malformed");
  }
  ExpectRefused(Raw('x', "pax", "", "", "0000644", "77777777777") + kEnd, ErrorCode::kInvalid, "64 KiB");
  ExpectRefused(Pax("9 path=a\n") + Pax("9 path=b\n") + File("ok", "") + kEnd, ErrorCode::kInvalid, "not taken");
}

TEST_F(ExtractTest, LimitsHold) {
  auto three = File("a", "1") + File("b", "22") + File("c", "333") + kEnd;
  EXPECT_EQ(Extract(three, {.entries = 2}).error().code, ErrorCode::kExhausted);
  fs::remove_all(tree()), fs::create_directory(tree());
  auto bytes = Extract(three, {.total_bytes = 5});
  EXPECT_EQ(bytes.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(bytes.error().message, HasSubstr("with 'c' its files take more than 5 bytes"));
  EXPECT_FALSE(fs::exists(tree() / "c"));
  fs::remove_all(tree()), fs::create_directory(tree());
  EXPECT_TRUE(Extract(three, {.entries = 3, .total_bytes = 6}));
}

TEST_F(ExtractTest, DepthIsBounded) {
  std::string deep = "d", archive = Directory("d");
  while (deep.size() < 2 * kMaxPathDepth + 10) {
    deep += "/d";
    archive += Pax("path", deep) + Directory("x");
  }
  ExpectRefused(archive + kEnd, ErrorCode::kInvalid, "more than 128 directories deep");
  ExpectRefused(Pax("path", std::string(260, 'n')) + File("x", "") + kEnd, ErrorCode::kInvalid, "255 bytes");
  ExpectRefused(Pax("path", std::string(5000, 'n')) + File("x", "") + kEnd, ErrorCode::kInvalid, "4095 bytes");
}

// Backslashes and drive letters are plain characters here.
TEST_F(ExtractTest, ForeignSeparatorsAreJustNames) {
  ASSERT_TRUE(Extract(File("..\\x", "1") + File("C:\\x", "2") + kEnd));
  EXPECT_EQ(Contents(tree() / "..\\x"), "1");
  EXPECT_EQ(Contents(tree() / "C:\\x"), "2");
}

}  // namespace
}  // namespace cromt
