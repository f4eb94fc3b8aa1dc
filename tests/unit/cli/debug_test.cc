// cromt debug bundle
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include <fstream>

#include "base/unique_fd.h"
#include "cli_test.h"
#include "io/archive/extract.h"

namespace cromt::cli {
namespace {

using ::testing::HasSubstr;

class DebugTest : public CliTest {
 protected:
  DebugTest() {
    control_.bundle = {{"coordinator.json", "{}\n"},
                       {"agents/h1.json", "{\"slots\": 8}\n"},
                       {"manifest.json",
                        "{\"missing_agents\": [{\"address\": \"10.0.0.2:4000\", \"why\": \"it is "
                        "down\"}]}\n"}};
  }
  // What this file in it holds.
  std::string Unpacked(const std::string& name, const std::string& what) const {
    const std::string tar = Path("unpacked.tar"), directory = Path("unpacked");
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    gzFile packed = ::gzopen(Path(name).c_str(), "rb");
    std::string bytes(1 << 20, '\0');
    bytes.resize(static_cast<size_t>(std::max(0, ::gzread(packed, bytes.data(), static_cast<unsigned>(bytes.size())))));
    EXPECT_EQ(::gzclose(packed), Z_OK);
    std::ofstream(tar) << bytes;
    const UniqueFd fd(::open(tar.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(ExtractArchive(fd.get(), directory));
    std::ifstream file(std::filesystem::directory_iterator(directory)->path() / what);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool IsThere(const std::string& name) const { return std::filesystem::exists(Path(name)); }
};

TEST_F(DebugTest, WritesOneFileForItsOwner) {
  EXPECT_EQ(Cromt({"debug", "bundle"}), 0) << err();
  const std::string name = "cromt-bundle-20261122T183531Z.tar.gz";
  EXPECT_THAT(out(), ::testing::StartsWith(name + " ("));
  EXPECT_THAT(out(), HasSubstr(", 3 files)\n"));
  EXPECT_EQ(err(), "cromt: warning: without agent 10.0.0.2:4000: it is down\n");
  struct stat file {};
  ASSERT_EQ(::stat(Path(name).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(Unpacked(name, "agents/h1.json"), "{\"slots\": 8}\n");
  EXPECT_EQ(Unpacked(name, "coordinator.json"), "{}\n");
  EXPECT_FALSE(IsThere(name + ".part"));
}

TEST_F(DebugTest, OverwritesNothingUnlessToldTo) {
  File("b.tar.gz", "mine");
  EXPECT_EQ(Cromt({"debug", "bundle", "--to", "b.tar.gz"}), 2);
  EXPECT_THAT(err(), HasSubstr("b.tar.gz is there already"));
  EXPECT_TRUE(connected_.empty());
  EXPECT_EQ(Cromt({"debug", "bundle", "--to", "b.tar.gz", "--force"}), 0);
  EXPECT_EQ(Unpacked("b.tar.gz", "coordinator.json"), "{}\n");
}

TEST_F(DebugTest, WhatBreaksOffLeavesNothing) {
  control_.bundle.pop_back();
  control_.bundle_end = Fail(ErrorCode::kUnavailable, "connection reset");
  EXPECT_EQ(Cromt({"debug", "bundle", "--to", "b.tar.gz"}), 3);
  EXPECT_THAT(err(), HasSubstr("journalctl"));
  EXPECT_FALSE(IsThere("b.tar.gz"));
  EXPECT_FALSE(IsThere("b.tar.gz.part"));
}

TEST_F(DebugTest, ANameThatLeadsOutIsRefused) {
  control_.bundle[1].name = "../../evil";
  EXPECT_EQ(Cromt({"debug", "bundle", "--to", "b.tar.gz"}), 2);
  EXPECT_FALSE(IsThere("b.tar.gz"));
}

TEST_F(DebugTest, WithoutACoordinatorItSaysWhatElseTells) {
  connect_error_ = Error{ErrorCode::kUnavailable, "nobody listens"};
  EXPECT_EQ(Cromt({"debug", "bundle"}), 3);
  EXPECT_THAT(err(), HasSubstr("journalctl -u cromt-coordinator"));
  EXPECT_THAT(err(), HasSubstr("cromt-agent doctor"));
}

TEST_F(DebugTest, InJson) {
  EXPECT_EQ(Cromt({"debug", "bundle", "--to", "b.tar.gz", "-o", "json"}), 0);
  EXPECT_THAT(out(),
              ::testing::MatchesRegex(
                  "\\{\"to\":\"b.tar.gz\",\"size_bytes\":[0-9]+,\"files\":\\[\"coordinator.json\",\"agents/h1.json\","
                  "\"manifest.json\"\\],\"missing_agents\":\\[.*\\]\\}\n"));
  EXPECT_EQ(Cromt({"debug"}), 2);
  EXPECT_EQ(Cromt({"debug", "bundel"}), 2);
}

}  // namespace
}  // namespace cromt::cli
