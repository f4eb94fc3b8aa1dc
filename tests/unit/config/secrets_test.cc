// `secrets` of a job file.
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace cromt {
namespace {

std::string Line(const std::string& secrets) {
  return Said("projects:\n  p:\n    run: x\n    secrets: " + secrets + "\n");
}

TEST(Secrets, AreReadAsTheyStand) {
  JobFileReading reading = ReadJobFile(
      "projects:\n"
      "  p:\n"
      "    run: x\n"
      "    secrets: [{name: db-password, env: DB_PASSWORD}, {name: key, file: key.pem}, {name: key, env: KEY}]\n"
      "    hosts: [{id: a}, {id: b, secrets: [{name: other, env: DB_PASSWORD}]}, {id: c, secrets: []}]\n",
      "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_TRUE(reading.diagnostics.empty());
  const Project& project = *reading.file->Find("p");
  ASSERT_TRUE(project.set.secrets);
  EXPECT_EQ(*project.set.secrets,
            (std::vector<SecretUse>{{"db-password", "DB_PASSWORD", ""}, {"key", "", "key.pem"}, {"key", "KEY", ""}}));
  EXPECT_FALSE((*project.hosts)[0].set.secrets);
  EXPECT_EQ(*(*project.hosts)[1].set.secrets, (std::vector<SecretUse>{{"other", "DB_PASSWORD", ""}}));
  EXPECT_TRUE((*project.hosts)[2].set.secrets->empty());
}

struct Bad {
  const char* secrets;
  const char* said;
};

TEST(Secrets, WhatIsWrongIsToldWithItsPlace) {
  for (const Bad& bad : std::initializer_list<Bad>{
           {"{a: b}",
            "f:4:14: error: 'secrets': a map where a list of {name, env}, {name, file} or {name, registry} is meant"},
           {"[key]", "f:4:15: error: 'secrets': an entry must be {name, env}, {name, file} or {name, registry}"},
           {"[{name: a}]", "f:4:15: error: 'secrets': secret 'a' needs one of 'env', 'file' and 'registry'"},
           {"[{env: A}]", "f:4:15: error: 'secrets': an entry needs 'name'"},
           {"[{name: a, env: A, file: a}]",
            "f:4:15: error: 'secrets': secret 'a' needs one of 'env', 'file' and 'registry'"},
           {"[{name: a, value: x}]",
            "f:4:25: error: 'secrets': unknown key 'value'; an entry has name, and env, file or registry"},
           {"[{name: ../a, env: A}]", "f:4:15: error: 'secrets': secret '../a': "},
           {"[{name: a, env: A-B}]", "f:4:15: error: 'secrets': bad variable name 'A-B'"},
           {"[{name: a, env: CROMT_X}]", "f:4:15: error: 'secrets': variable 'CROMT_X': names beginning with CROMT_"},
           {"[{name: a, file: /etc/x}]", "f:4:15: error: 'secrets': file of a secret '/etc/x': "},
           {"[{name: a, file: ..}]", "f:4:15: error: 'secrets': file of a secret '..': "},
           {"[{name: a, registry: r/x}]",
            "f:4:15: error: 'secrets': registry of a secret: 'r/x': write HOST or HOST:PORT"},
           {"[{name: a, env: [A]}]", "f:4:30: error: 'secrets': 'env' must be text"},
           {"[{name: '${{ vars.A }}', env: A}]", "f:4:22: error: 'secrets': 'name' takes no ${{ }}"},
           {"[{name: a, env: A}, {name: b, env: A}]", "f:4:49: error: 'secrets': env 'A' is there twice"},
           {"[{name: a, file: A}, {name: b, file: A}]", "f:4:51: error: 'secrets': file 'A' is there twice"}})
    EXPECT_NE(Line(bad.secrets).find(bad.said), std::string::npos) << bad.secrets << "\n" << Line(bad.secrets);
}

TEST(Secrets, StandInProjectsAndHostsOnly) {
  EXPECT_NE(Said("projects:\n  p:\n    run: x\n    before: [{name: q, secrets: []}]\n  q: {run: x}\n")
                .find("'secrets' can't stand in a before or after entry"),
            std::string::npos);
}

TEST(Secrets, NoTemplateNamesThem) {
  EXPECT_NE(Said("projects:\n  p:\n    run: x\n    secrets: [{name: a, env: A}]\n    vars: {B: '${{ secrets.a }}'}\n")
                .find("error: 'B': '${{' begins neither"),
            std::string::npos);
}

}  // namespace
}  // namespace cromt
