// `container` and `sparrowdo` of jobs.yaml.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/planner.h"
#include "io/config/job_reader.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;

// The spec of the last task of project p's run.
Result<TaskSpec> SpecOf(const std::string& text) {
  JobFileReading reading = ReadJobFile(text, "f");
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  CROMT_ASSIGN(const Plan plan,
               PlanRun(*reading.file, "p", {}, {.agents = {}, .local_address = "h:4000", .pool_agents = {}}));
  return plan.spec(static_cast<TaskIndex>(plan.tasks.size() - 1));
}

std::string Project(const std::string& keys) {
  return "projects:\n  p:\n    run: x\n" + keys;
}

TEST(ContainerKeysOfAFile, TheSpelledOutForm) {
  auto spec = SpecOf(Project(
      "    container: {image: 'debian:12', pull: always, network: none, memory: 64MiB, cpus: 0.5, pids: 7, user: "
      "'5:6', "
      "read_only: true, mounts: ['cache:/c:ro'], capabilities: [CHOWN], devices: [/dev/fuse], pid: host, ipc: host, "
      "privileged: yes, bootstrap: true}\n"));
  ASSERT_TRUE(spec) << spec.error().message;
  const Container expected{.image = "debian:12",
                           .pull = Pull::kAlways,
                           .network = "none",
                           .user = "5:6",
                           .read_only = true,
                           .bootstrap = true,
                           .mounts = {{"cache", "/c", true}},
                           .privileged = true,
                           .capabilities = {"CHOWN"},
                           .devices = {"/dev/fuse"},
                           .pid = "host",
                           .ipc = "host"};
  EXPECT_EQ(spec->container, expected);
  EXPECT_EQ(spec->limits, (Resources{64 << 20, 500, 7}));
}

TEST(ContainerKeysOfAFile, Cromtits) {
  auto spec = SpecOf(Project("    sparrowdo: {docker: alpine, bootstrap: true, no_sudo: true}\n"));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->container, (Container{.existing = "alpine", .image = "alpine", .bootstrap = true}));
  spec = SpecOf(Project("    sparrowdo: {docker: box, image: 'debian:12'}\n"));
  EXPECT_EQ(spec->container, (Container{.image = "debian:12"}));
  EXPECT_FALSE(SpecOf(Project("    sparrowdo: {no_sudo: true, bootstrap: true}\n"))->container);
  EXPECT_FALSE(SpecOf(Project("    sparrowdo: {docker: alpine, localhost: true}\n"))->container);
}

TEST(ContainerKeysOfAFile, HostsLayTheirKeysOnTop) {
  auto spec = SpecOf(Project("    container: {image: a, network: none}\n    hosts: [{container: {image: b}}]\n"));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->container, (Container{.image = "b", .network = "none"}));
}

TEST(ContainerKeysOfAFile, ADependencyDoesNotInheritIt) {
  JobFileReading reading = ReadJobFile(
      "projects:\n  d: {run: y}\n  p:\n    run: x\n    container: {image: a}\n    before: [{name: d}]\n", "f");
  auto plan = PlanRun(*reading.file, "p", {}, {.agents = {}, .local_address = "h:4000", .pool_agents = {}});
  ASSERT_TRUE(plan);
  for (TaskIndex task = 0; task < plan->tasks.size(); ++task)
    EXPECT_EQ(plan->spec(task).container.has_value(), plan->spec(task).project == "p");
}

TEST(ContainerKeysOfAFile, WhatIsWrongIsSaidWithItsPlace) {
  struct Case {
    const char* keys;
    const char* words;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"    container: alpine\n", "f:4:16: error: 'container': text where a map is meant"},
           {"    container: {imag: a}\n", "f:4:17: error: 'container': unknown key 'imag'; did you mean 'image'?"},
           {"    container: {image: '-v'}\n", "f:4:24: error: 'container': '-v' is no image"},
           {"    container: {image: [a]}\n", "'image' must be text"},
           {"    container: {image: a, pull: often}\n", "'pull': 'often' is not missing, always or never"},
           {"    container: {image: a, memory: lots}\n", "'memory': 'lots' is not a size such as 256MiB"},
           {"    container: {image: a, cpus: 0}\n", "'cpus': '0' is not a number of cores such as 0.5 or 2"},
           {"    container: {image: a, pids: -1}\n", "'pids': '-1' is not a whole number from 0 to 1000000"},
           {"    container: {image: a, user: '--x'}\n", "is no user of a container"},
           {"    container: {image: a, network: 'container:x'}\n", "network 'container:x'"},
           {"    container: {image: a, mounts: /a}\n", "'mounts': text where a list is meant"},
           {"    container: {image: a, mounts: ['/a:/../b']}\n", "'/a:/../b' is no mount"},
           {"    container: {image: a, read_only: perhaps}\n", "'read_only': 'perhaps' is not true or false"},
           {"    container: {image: a, pid: 'container:x'}\n", "'container:x' is not host"},
           {"    container: {network: none}\n", "project 'p': 'container' names no image; write image: NAME"},
           {"    sparrowdo: {docker: '-v /:/host'}\n", "is no image"},
           {"    sparrowdo: {dokcer: alpine}\n", "unknown key 'dokcer'; did you mean 'docker'?"},
       }) {
    auto spec = SpecOf(Project(c.keys));
    ASSERT_FALSE(spec) << c.keys;
    EXPECT_THAT(spec.error().message, HasSubstr(c.words));
  }
}

TEST(ContainerKeysOfAFile, WhatHasNoMeaningHereIsAWarning) {
  JobFileReading reading =
      ReadJobFile(Project("    sparrowdo: {docker: alpine, verbose: true, no_sudo: false}\n"), "f");
  ASSERT_TRUE(reading.file);
  std::string all;
  for (const Diagnostic& d : reading.diagnostics) all += ToString(d) + "\n";
  EXPECT_THAT(all, HasSubstr("f:4:33: warning: 'sparrowdo': 'verbose' has no effect here"));
}

}  // namespace
}  // namespace cromt
