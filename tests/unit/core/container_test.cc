// What a job file may say of a container, and how its places come together.
#include "core/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

TEST(Container, Images) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  for (const std::string& good : {std::string("alpine"), std::string("debian:12"), std::string("library/alpine"),
                                  std::string("registry.example:5000/team/tool:1.2-rc_3"), "alpine@" + digest,
                                  "a/b:1@" + digest, std::string("localhost:5000/x")})
    EXPECT_TRUE(CheckImage(good)) << good;
  for (const std::string& bad :
       {std::string(""), std::string("-v"), std::string("--privileged"), std::string("a b"), std::string("a//b"),
        std::string("a:"), std::string("a:-x"), std::string("/a"), std::string("a/"), std::string("../a"),
        std::string("a@sha256:12"), std::string("a@md5:x"), std::string("a\nb"), std::string("a?x=1"),
        std::string("a%2fb"), std::string("host:port/a"), std::string(600, 'a'), "-a@" + digest})
    EXPECT_FALSE(CheckImage(bad)) << bad;
}

TEST(Container, DigestsOfImages) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  for (const std::string& good : {digest, "alpine@" + digest, "registry.example:5000/team/tool@" + digest})
    EXPECT_TRUE(CheckImageDigest(good)) << good;
  for (const std::string& bad :
       {std::string(""), std::string("alpine"), std::string("alpine:1"), "@" + digest, digest + "0",
        "SHA256:" + std::string(64, 'a'), "-a@" + digest, "a b@" + digest, std::string(500, 'a') + "@" + digest})
    EXPECT_FALSE(CheckImageDigest(bad)) << bad;
}

TEST(Container, Mounts) {
  EXPECT_EQ(*ParseMount("/srv/data:/data"), (ContainerMount{"/srv/data", "/data", false}));
  EXPECT_EQ(*ParseMount("cache/x:/var/cache:ro"), (ContainerMount{"cache/x", "/var/cache", true}));
  EXPECT_EQ(*ParseMount("/a:/b:rw"), (ContainerMount{"/a", "/b", false}));
  for (const char* bad : {"", ":", "/a", "/a:", ":/b", "/a:b", "/a:/b:", "/a:/b:x", "/a:/b:ro:z", "/../a:/b", "a/..:/b",
                          "../a:/b", "/a:/b/../c", "/a//b:/c", "/a/:/b", "/:/b", "./a:/b", "/a:/", "/a\n:/b"})
    EXPECT_FALSE(ParseMount(bad)) << bad;
}

TEST(Container, UsersCapabilitiesAndDevices) {
  for (const char* good : {"1000", "1000:1000", "nobody", "app:app"}) EXPECT_TRUE(CheckContainerUser(good)) << good;
  for (const char* bad : {"", ":", "1000:", ":1", "-u", "a b", "a:b:c"}) EXPECT_FALSE(CheckContainerUser(bad)) << bad;
  EXPECT_TRUE(CheckCapability("NET_ADMIN"));
  for (const char* bad : {"", "CAP_NET_ADMIN", "net_admin", "A B"}) EXPECT_FALSE(CheckCapability(bad)) << bad;
  EXPECT_TRUE(CheckDevice("/dev/fuse"));
  for (const char* bad : {"", "/dev/", "/dev/../etc", "/etc/x", "dev/fuse", "/dev/a:/dev/b"})
    EXPECT_FALSE(CheckDevice(bad)) << bad;
}

// What came over the wire is checked as a whole.
TEST(Container, OneFromOutside) {
  Container container{.image = "alpine"};
  EXPECT_TRUE(CheckContainer(container));
  EXPECT_FALSE(CheckContainer({}));
  auto with = [&](auto change) {
    Container other = container;
    change(other);
    return CheckContainer(other).has_value();
  };
  EXPECT_FALSE(with([](Container& c) { c.existing = "../x"; }));
  EXPECT_FALSE(with([](Container& c) { c.network = "container:x"; }));
  EXPECT_FALSE(with([](Container& c) { c.user = "-u"; }));
  EXPECT_FALSE(with([](Container& c) { c.pid = "container:x"; }));
  EXPECT_FALSE(with([](Container& c) { c.ipc = "shareable"; }));
  EXPECT_FALSE(with([](Container& c) { c.mounts = {{"/a:/b", "/c", false}}; }));
  EXPECT_FALSE(with([](Container& c) { c.mounts = {{"/a", "/c:ro", false}}; }));
  EXPECT_FALSE(with([](Container& c) { c.mounts.assign(101, {"/a", "/c", false}); }));
  EXPECT_FALSE(with([](Container& c) { c.devices = {"/etc/x"}; }));
  EXPECT_FALSE(CheckResources({.memory_bytes = -1}));
}

TEST(Container, KeysMergeOneByOne) {
  ContainerKeys wide;
  wide.image = "debian:12";
  wide.existing = "";
  wide.network = "none";
  wide.memory_bytes = 100;
  ContainerKeys narrow;
  narrow.image = "alpine";
  narrow.existing = "alpine";
  narrow.cpu_permille = 500;
  const ContainerKeys both = Merge(wide, narrow);
  const auto container = *ContainerOf(both);
  ASSERT_TRUE(container);
  EXPECT_EQ(container->image, "alpine");
  EXPECT_EQ(container->existing, "alpine");
  EXPECT_EQ(container->network, "none");
  EXPECT_EQ(ResourcesOf(both), (Resources{100, 500, 0}));
  EXPECT_EQ(Merge(wide, {}), wide);
  EXPECT_NE(Describe(both), Describe(wide));
  EXPECT_EQ(Describe(Merge(wide, {})), Describe(wide));
}

TEST(Container, NoneUnlessOneIsNamed) {
  EXPECT_FALSE(*ContainerOf({}));
  ContainerKeys limits;
  limits.memory_bytes = 5;
  EXPECT_FALSE(*ContainerOf(limits));
  ContainerKeys nameless;
  nameless.network = "none";
  EXPECT_EQ(ContainerOf(nameless).error().message, "'container' names no image; write image: NAME");
}

}  // namespace
}  // namespace cromt
