// Where plugins are found, and where they are not.
#include "agent/step/plugin/plugins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../step/temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;

class PluginLookup : public ::testing::Test {
 protected:
  // The file that a plugin of this name is, or the error.
  std::string Find(const std::string& name, const std::string& folders = "") {
    Plugins plugins(repository_, folders);
    auto plugin = plugins.Find(name);
    if (!plugin) return "error: " + plugin.error().message;
    auto text = plugin->repository->Read(plugin->root + "/task.bash", 1 << 20);
    return text ? *text : "error: " + text.error().message;
  }

  TemporaryRepository files_;
  Repository repository_ = Repository::Open(files_.path()).value();
  TemporaryRepository host_;
};

TEST_F(PluginLookup, BuiltInIsFirst) {
  files_.Write("plugins/bash/task.bash", "mine");
  EXPECT_THAT(Find("bash"), HasSubstr("run.bash"));
}

TEST_F(PluginLookup, EveryBuiltInOneIsWhole) {
  for (const char* name : {"bash", "directory", "file", "git-base", "git-commit", "git-pull", "git-push", "group",
                           "package-generic", "service", "templater", "user"}) {
    Plugins plugins(repository_, "");
    auto plugin = plugins.Find(name);
    ASSERT_TRUE(plugin) << plugin.error().message;
    EXPECT_TRUE(plugin->repository->IsFile(plugin->root + "/task.bash").value()) << name;
    EXPECT_TRUE(plugin->repository->IsFile(plugin->root + "/common.bash").value()) << name;
    EXPECT_EQ(plugins.Find(name)->root, plugin->root);
  }
}

TEST_F(PluginLookup, ThenTheRepositoryThenTheFoldersInOrder) {
  host_.Write("one/p/task.bash", "one");
  host_.Write("two/p/task.bash", "two");
  host_.Write("two/q/task.bash", "q");
  const std::string folders = host_.path() + "/one:" + host_.path() + "/two";
  EXPECT_EQ(Find("p", folders), "one");
  EXPECT_EQ(Find("q", folders), "q");
  files_.Write("plugins/p/task.bash", "repository");
  EXPECT_EQ(Find("p", folders), "repository");
}

TEST_F(PluginLookup, NotFoundNamesThePlacesSearched) {
  EXPECT_EQ(Find("p", "/no/such::" + host_.path()),
            "error: there is no plugin 'p': it isn't built in, and nothing is at plugins/p, /no/such/p, " +
                host_.path() + "/p");
}

TEST_F(PluginLookup, NoNameLeadsElsewhere) {
  files_.Write("task.bash", "root");
  files_.Write("plugins/a/b/task.bash", "below");
  for (const char* name : {"..", ".", "a/b", "/etc", "", "-x", "a b", "../x", "common.bash/", "x\ny"})
    EXPECT_THAT(Find(name), HasSubstr("error: the name of a plugin")) << name;
  EXPECT_THAT(Find("common.bash"), HasSubstr("there is no plugin"));
}

TEST_F(PluginLookup, NoLinkLeadsOutOfWhereItWasFound) {
  host_.Write("outside/task.bash", "outside");
  files_.Link(host_.path() + "/outside", "plugins/p");
  EXPECT_THAT(Find("p"), HasSubstr("leads out of the repository"));
  host_.Link("../outside", "folder/p2");
  EXPECT_THAT(Find("p2", host_.path() + "/folder"), HasSubstr("leads out of the repository"));
}

TEST_F(PluginLookup, ABrokenOneIsNotPassedOver) {
  files_.Write("plugins/p/README", "");
  host_.Write("p/task.bash", "one");
  EXPECT_THAT(Find("p", host_.path()), HasSubstr("error: "));
  EXPECT_THAT(Find("q", "relative"), HasSubstr("CROMT_PLUGIN_DIRS takes absolute paths"));
}

}  // namespace
}  // namespace cromt::step
