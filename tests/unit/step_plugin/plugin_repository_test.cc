// Plugins of a Sparrow repository: pinned, fetched once, never another than the one that was pinned.
#include "agent/step/plugin/plugin_repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "scenario_fixture.h"
#include "tests/support/command.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kDigest(64, 'a');

std::string WhyNot(const std::string& url, const std::map<std::string, std::string>& plugins) {
  auto pins = MakePluginPins(url, plugins);
  return pins ? "none" : pins.error().message;
}

TEST(PluginPins, TravelInAVariable) {
  auto pins = MakePluginPins("https://host/repo//",
                             {{"a-b", "0.000018 sha256:" + kDigest}, {"c", "1.002003   sha256:" + kDigest}});
  ASSERT_TRUE(pins) << pins.error().message;
  auto read = FromVariable(ToVariable(*pins));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->url, "https://host/repo");
  ASSERT_EQ(read->plugins.size(), 2u);
  EXPECT_EQ(read->plugins["a-b"].version, "0.000018");
  EXPECT_EQ(read->plugins["c"].sha256, kDigest);
  EXPECT_TRUE(FromVariable("")->url.empty());
  EXPECT_TRUE(FromVariable("file:///srv/repo")->plugins.empty());
}

TEST(PluginPins, WhatIsNoneSaysWhatToWrite) {
  const std::string good = "1 sha256:" + kDigest;
  EXPECT_EQ(WhyNot("http://h", {{"p", good}}), "none");
  for (const char* url : {"", "/srv/repo", "ftp://h", "http://h/a b", "http://h/\n", "-o/etc/passwd"})
    EXPECT_THAT(WhyNot(url, {}), HasSubstr("write http://, https:// or file://")) << url;
  for (const std::string& pin :
       {std::string(), std::string("1"), "sha256:" + kDigest, "1 md5:" + kDigest, good + "a",
        good.substr(0, good.size() - 1), "../1 sha256:" + kDigest, "1 sha256:" + std::string(64, 'A'), good + " more"})
    EXPECT_THAT(WhyNot("http://h", {{"p", pin}}), HasSubstr("write VERSION sha256:DIGEST")) << pin;
  EXPECT_THAT(WhyNot("http://h", {{"../p", good}}), HasSubstr("the name of a plugin"));
  EXPECT_FALSE(FromVariable("http://h\np"));
  EXPECT_FALSE(FromVariable("http://h\n\n"));
}

TEST(PluginPins, HaveABound) {
  std::map<std::string, std::string> plugins;
  for (size_t i = 0; i <= kMaxPlugins; ++i) plugins["p" + std::to_string(i)] = "1 sha256:" + kDigest;
  EXPECT_EQ(WhyNot("http://h", plugins), "501 plugins are pinned; 500 may be");
}

// A repository in the layout of Sparrow6, made by the tools that Sparrow6 makes it with.
class SparrowRepository : public ScenarioTest {
 protected:
  // Packs `script` as the plugin's task.bash and names it in the index.
  void Upload(const std::string& name, const std::string& version, const std::string& script) {
    served_.Write("source/task.bash", script);
    served_.Write("source/config.yaml", "greeting: hello\n");
    served_.Write("source/tasks/sub/task.bash", "echo sub\n");
    served_.Write("plugins/.keep", "");
    const std::string archive = served_.path() + "/plugins/" + name + "-v" + version + ".tar.gz";
    const auto packed = RunCommand({"tar", "-czf", archive, "-C", served_.path() + "/source", "."});
    ASSERT_EQ(packed.code, 0) << packed.output;
    index_ += name + " " + version + "\n";
    served_.Write("api/v1/index", index_);
  }
  std::string Url() const { return "file://" + served_.path(); }
  std::string Pin(const std::vector<std::string>& names) {
    std::vector<std::string> arguments = {"--pin", Url()};
    arguments.insert(arguments.end(), names.begin(), names.end());
    StepResult result = RunSteps(repository_.path(), arguments);
    EXPECT_EQ(result.code, 0) << result.notes;
    return result.out;
  }
  // As an agent's configuration would: of what --pin printed.
  std::string Variable(const std::string& printed, const std::string& url) {
    std::istringstream lines(printed);
    std::map<std::string, std::string> plugins;
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("    ")) plugins[line.substr(4, line.find(':') - 4)] = line.substr(line.find(':') + 2);
    return ToVariable(MakePluginPins(url, plugins).value());
  }
  StepResult RunPlugin(const std::string& name, const std::string& variable) {
    return Plugin(name, {}, {{kPluginRepositoryVariable, variable}});
  }

  TemporaryRepository served_;
  std::string index_;
};

TEST_F(SparrowRepository, PinPrintsWhatTheAgentsConfigurationSays) {
  Upload("other-p", "2.000001", "echo other\n");
  Upload("p", "1.002003", "echo one\n");
  const std::string printed = Pin({"p"});
  EXPECT_THAT(printed, StartsWith("plugin_repository:\n  url: " + Url() + "\n  plugins:\n    p: 1.002003 sha256:"));
  StepResult result = RunSteps(repository_.path(), {"--pin", Url(), "p", "none"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes, "cromt-step: " + Url() + "/api/v1/index has no plugin 'none'\n");
}

TEST_F(SparrowRepository, APluginIsFetchedOnceAndThenNeedsNoRepository) {
  Upload("p", "0.000001", "echo \"$(config greeting) from $(cat $root_dir/tasks/sub/task.bash)\"\n");
  const std::string variable = Variable(Pin({"p"}), Url());
  StepResult result = RunPlugin("p", variable);
  EXPECT_EQ(result.code, 0) << result.notes;
  EXPECT_EQ(result.out, "hello from echo sub\n");
  EXPECT_EQ(result.notes, "[repository] - installing p, version 0.000001\n");
  std::filesystem::remove_all(served_.path() + "/plugins");
  result = RunPlugin("p", variable);
  EXPECT_EQ(result.out, "hello from echo sub\n");
  EXPECT_EQ(result.notes, "");
}

TEST_F(SparrowRepository, AnotherArchiveThanThePinnedOneIsNotRun) {
  Upload("p", "1", "echo good\n");
  const std::string variable = Variable(Pin({"p"}), Url());
  Upload("p", "1", "touch INJECTED\n");
  StepResult result = RunPlugin("p", variable);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.notes, HasSubstr("p-v1.tar.gz has the digest sha256:"));
  EXPECT_THAT(result.notes, HasSubstr("which is not the one that is pinned"));
  EXPECT_TRUE(result.marks.empty());
}

TEST_F(SparrowRepository, WhatIsNotPinnedIsNotAskedFor) {
  Upload("p", "1", "echo good\n");
  StepResult result = RunPlugin("p", Url());
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.notes, HasSubstr("there is no plugin 'p'"));
  EXPECT_THAT(result.notes, HasSubstr("nor is it pinned of " + Url()));
}

TEST_F(SparrowRepository, OneThatIsNotThereIsNamedBeforeTheFirstStep) {
  Upload("p", "1", "echo good\n");
  const std::string variable = Variable(Pin({"p"}), Url());
  std::filesystem::remove_all(served_.path() + "/plugins");
  StepResult result = Run("say 'began'; task-run 't', 'p';", {{kPluginRepositoryVariable, variable}});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.notes, HasSubstr("s.raku:1:14: plugin 'p': " + Url() + "/plugins/p-v1.tar.gz: curl: "));
  EXPECT_EQ(result.out, "");
}

TEST_F(SparrowRepository, HalfAnArchiveIsNotKept) {
  Upload("p", "1", "echo good\n");
  const std::string archive = served_.path() + "/plugins/p-v1.tar.gz";
  std::filesystem::resize_file(archive, std::filesystem::file_size(archive) / 2);
  const std::string variable = Variable(Pin({"p"}), Url());  // whoever pins it has not looked inside
  for (int i = 0; i < 2; ++i) {
    StepResult result = RunPlugin("p", variable);
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.notes, HasSubstr("p-v1.tar.gz: "));
  }
  EXPECT_TRUE(std::filesystem::is_empty(Path(".cache/cromt/plugins")));
}

}  // namespace
}  // namespace cromt::step
