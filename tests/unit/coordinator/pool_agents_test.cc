#include "coordinator/pool_agents.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

std::string Shown(const std::vector<PoolAgent>& agents) {
  std::string text;
  for (const PoolAgent& agent : agents) {
    text += agent.host + "=" + agent.address + (agent.up ? " up" : " down");
    for (const auto& [name, value] : agent.labels) text += " " + name + ":" + value;
    text += "\n";
  }
  return text;
}

AgentView View(std::string address, std::string agent, bool up, std::map<std::string, std::string> labels = {}) {
  return {.address = std::move(address), .agent = AgentId(std::move(agent)), .up = up, .labels = std::move(labels)};
}

TEST(PoolAgents, AreThoseThatTheConfigurationNames) {
  EXPECT_EQ(Shown(PoolAgents({View("10.0.0.1:4000", "x", true, {{"os", "a"}}), View("10.0.0.9:4000", "y", true)},
                             {{"one", "10.0.0.1"}, {"two:4001", "10.0.0.2:4001"}}, "127.0.0.1:4000")),
            "one=10.0.0.1:4000 up os:a\ntwo=10.0.0.2:4001 down\n")
      << "10.0.0.9 was reached for a file's url; the configuration does not know it";
}

TEST(PoolAgents, WhereItNamesNoneTheLocalOne) {
  EXPECT_EQ(Shown(PoolAgents({View("127.0.0.1:4000", "x", true, {{"os", "a"}})}, {}, "127.0.0.1:4000")),
            "local=127.0.0.1:4000 up os:a\n");
  EXPECT_EQ(Shown(PoolAgents({}, {}, "127.0.0.1:4000")), "local=127.0.0.1:4000 down\n");
}

TEST(PoolAgents, EachAgentIsThereOnceHoweverManyNamesItHas) {
  EXPECT_EQ(Shown(PoolAgents({View("a:4000", "x", true)}, {{"n1", "a"}, {"n2", "a:4000"}}, "")), "n1=a:4000 up\n");
  EXPECT_EQ(Shown(PoolAgents({View("a:4000", "x", false), View("b:4000", "x", true)}, {{"n1", "a"}, {"n2", "b"}}, "")),
            "n2=b:4000 up\n")
      << "by the address at which it is up";
}

}  // namespace
}  // namespace cromt
