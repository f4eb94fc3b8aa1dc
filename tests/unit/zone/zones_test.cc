#include "io/zone/zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A host of its own: some of the system's zones, and what an unkind person puts beside them.
class ZonesTest : public ::testing::Test {
 protected:
  ZonesTest() {
    std::string pattern = (fs::temp_directory_path() / "cromt-zones-XXXXXX").string();
    top_ = ::mkdtemp(pattern.data());
    for (const char* name : {"Europe/Berlin", "Europe/Dublin", "Asia/Tokyo", "America/New_York"}) Copy(name, name);
    places_ = {root().string(), (top_ / "localtime").string(), (top_ / "timezone").string(), std::nullopt};
  }
  ~ZonesTest() override { fs::remove_all(top_); }

  fs::path root() const { return top_ / "zoneinfo"; }

  void Copy(const std::string& name, const std::string& to) {
    fs::create_directories((root() / to).parent_path());
    fs::copy_file(fs::path(Zones::SystemPlaces().root) / name, root() / to);
  }
  void Write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  std::string Find(std::string_view name) { return Name(Zones(places_).Find(name)); }
  std::string OfHost() { return Name(Zones(places_).OfHost()); }
  static std::string Name(const Result<ZonePtr>& zone) {
    return zone ? (*zone)->name() : std::string(ToString(zone.error().code)) + ": " + zone.error().message;
  }

  fs::path top_;
  Zones::Places places_;
};

TEST_F(ZonesTest, AZoneIsReadOnce) {
  Zones zones(places_);
  const auto berlin = zones.Find("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  EXPECT_EQ((*berlin)->name(), "Europe/Berlin");
  EXPECT_EQ(FormatLocal(Wall(seconds(1'592'179'200)), **berlin), "2020-06-15T02:00:00+02:00");
  EXPECT_EQ(FormatLocal(Wall(seconds(1'576'368'000)), **berlin), "2019-12-15T01:00:00+01:00");
  EXPECT_EQ(FormatLocal(Wall(seconds(6'000'000'000)), **berlin), "2160-02-18T11:40:00+01:00");
  EXPECT_EQ(zones.Find("Europe/Berlin").value(), *berlin);
}

TEST_F(ZonesTest, UnknownOnesHaveAHint) {
  const std::string none = std::string(ToString(ErrorCode::kNotFound)) + ": there is no time zone ";
  EXPECT_EQ(Find("Europe/Berln"), none + "'Europe/Berln'; did you mean 'Europe/Berlin'?");
  EXPECT_EQ(Find("europe/berlin"), none + "'europe/berlin'; did you mean 'Europe/Berlin'?");
  EXPECT_EQ(Find("berlin"), none + "'berlin'; did you mean 'Europe/Berlin'?");
  EXPECT_EQ(Find("Tokio"), none + "'Tokio'; did you mean 'Asia/Tokyo'?");
  EXPECT_EQ(Find("Mars/Olympus"), none + "'Mars/Olympus'");
}

TEST_F(ZonesTest, NoNameLeavesTheFolder) {
  Write(top_ / "secret", "TZif");
  for (const char* name : {"../secret", "/etc/passwd", "Europe/../../secret", "", "Europe//Berlin", "..", "./UTC"})
    EXPECT_THAT(Find(name), HasSubstr("is no name of a time zone")) << name;
}

TEST_F(ZonesTest, WhatIsNoZone) {
  Write(root() / "leapseconds", "no zone");
  Write(root() / "Short", "TZif2");
  Write(root() / "Empty", "");
  fs::create_directories(root() / "posix/Europe");
  fs::copy_file(root() / "Europe/Berlin", root() / "posix/Europe/Berlin");
  ASSERT_EQ(::mkfifo((root() / "Fifo").c_str(), 0600), 0);
  for (const char* name : {"leapseconds", "Short", "Empty", "Europe", "posix/Europe/Berlin", "Fifo"})
    EXPECT_THAT(Find(name), HasSubstr("there is no time zone")) << name;
}

TEST_F(ZonesTest, UtcNeedsNoFiles) {
  places_.root = (top_ / "nowhere").string();
  EXPECT_EQ(Find("UTC"), "UTC");
  EXPECT_EQ(Find("Etc/UTC"), "Etc/UTC");
  EXPECT_EQ(Find("Europe/Berlin"), std::string(ToString(ErrorCode::kUnavailable)) +
                                       ": time zone 'Europe/Berlin' can't be looked up: this host has no time zone "
                                       "data in " +
                                       places_.root + "; install the package tzdata");
}

TEST_F(ZonesTest, TheirNumberIsBounded) {
  Zones zones(places_);
  for (size_t i = 0; i < Zones::kMaxZones; ++i) {
    const std::string name = "Test/Z" + std::to_string(i);
    fs::create_directories(root() / "Test");
    fs::create_hard_link(root() / "Asia/Tokyo", root() / name);
    ASSERT_TRUE(zones.Find(name));
  }
  EXPECT_EQ(zones.Find("Europe/Berlin").error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(zones.Find("Test/Z0"));
}

TEST_F(ZonesTest, TheHostsIsThatOfItsLink) {
  fs::create_symlink("../usr/share/zoneinfo/Asia/Tokyo", top_ / "localtime");
  Write(top_ / "timezone", "Europe/Berlin\n");  // stale: the link is what the C library goes by
  EXPECT_EQ(OfHost(), "Asia/Tokyo");
}

TEST_F(ZonesTest, ALinkToWhatIsNotThereIsAnError) {
  fs::create_symlink("/usr/share/zoneinfo/Asia/Tokio", top_ / "localtime");
  EXPECT_THAT(OfHost(), HasSubstr("there is no time zone 'Asia/Tokio'"));
}

TEST_F(ZonesTest, ACopyIsCalledAsTheOtherFileSaysIfThatIsTrue) {
  fs::copy_file(root() / "Europe/Berlin", top_ / "localtime");
  EXPECT_EQ(OfHost(), (top_ / "localtime").string());
  Write(top_ / "timezone", "Asia/Tokyo\n");
  EXPECT_EQ(OfHost(), (top_ / "localtime").string());
  Write(top_ / "timezone", "Europe/Berlin\n");
  EXPECT_EQ(OfHost(), "Europe/Berlin");
}

TEST_F(ZonesTest, AHostThatSaysNothingHasUtc) {
  EXPECT_EQ(OfHost(), "UTC");
  places_.root = (top_ / "nowhere").string();
  EXPECT_EQ(OfHost(), "UTC");
}

TEST_F(ZonesTest, AHostThatSaysNonsense) {
  Write(top_ / "localtime", "no zone");
  EXPECT_THAT(OfHost(), HasSubstr("is no file of a time zone"));
}

TEST_F(ZonesTest, TheVariableGoesOverTheFiles) {
  fs::create_symlink("/usr/share/zoneinfo/Asia/Tokyo", top_ / "localtime");
  const auto with = [&](const std::string& tz) {
    places_.tz = tz;
    return OfHost();
  };
  EXPECT_EQ(with("Europe/Berlin"), "Europe/Berlin");
  EXPECT_EQ(with(":Europe/Berlin"), "Europe/Berlin");
  EXPECT_EQ(with(places_.root + "/Europe/Dublin"), "Europe/Dublin");
  EXPECT_EQ(with(""), "UTC");
  EXPECT_EQ(with("UTC"), "UTC");
  EXPECT_THAT(with("CET-1CEST,M3.5.0,M10.5.0/3"),
              HasSubstr("the variable TZ: 'CET-1CEST,M3.5.0,M10.5.0/3' is no name of a time zone"));
  EXPECT_THAT(with("/nowhere"), HasSubstr("/nowhere is no file of a time zone"));
}

// The system that the tests run on says something of its own zone, and it is good.
TEST(SystemZones, OfThisHost) {
  Zones::Places places = Zones::SystemPlaces();
  places.tz.reset();  // which may be of any shape where a person runs tests
  const auto zone = Zones(places).OfHost();
  ASSERT_TRUE(zone) << zone.error().message;
  EXPECT_FALSE((*zone)->name().empty());
}

}  // namespace
}  // namespace cromt
