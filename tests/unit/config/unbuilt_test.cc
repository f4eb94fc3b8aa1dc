// Keys whose behaviour is to come: their shape is checked today, they warn, and what reaches them can't be started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/config/job_keys.h"
#include "tests/unit/config/support.h"

namespace cromt {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

// What the line `key: value` of a project is answered, without the note on timeout.
std::string Line(const std::string& line) {
  std::string said = Said("projects:\n  p:\n    run: x\n    " + line + "\n");
  size_t note = said.find("f:4:5: note");
  if (note != std::string::npos) said.erase(note, said.find('\n', note) + 1 - note);
  return said;
}

std::string NotBuilt(const std::string& key) {
  return "f:4:5: warning: '" + key + "' is not built yet: what uses it can't be started\n";
}

TEST(Unbuilt, AGoodValueWarns) {
  for (const char* line :
       {"params: {p: {type: text}}", "waves: [1, 2]", "notify: [{on: [failed]}]", "ping: http://x"}) {
    std::string key(line, std::string(line).find(':'));
    EXPECT_EQ(Line(line), NotBuilt(key)) << line;
  }
}

TEST(Unbuilt, NothingIsNoUseOfAnyKey) {
  for (const JobKey& key : JobKeys()) {
    if (key.built || !(key.levels & kInProject)) continue;
    EXPECT_EQ(Line(std::string(key.name) + ": "), "") << key.name;
  }
}

TEST(Unbuilt, WhatSaysTheDefaultIsNoUse) {
  for (const char* line :
       {"trigger: false", "branch: HEAD", "artifacts: {}", "after: []", "sparrowdo: {}", "crontab: ", "crontab: ''"})
    EXPECT_EQ(Line(line), "") << line;
}

struct Bad {
  const char* line;
  const char* said;
};

// The place is that of the very part, wherever the text stands as it is written.
TEST(Unbuilt, ABadPartOfAScheduleHasItsPlace) {
  const auto said_at = [](const char* place) {
    return HasSubstr(std::string(place) + ": error: 'crontab': '24' is no hour: a number from 0 to 23\n");
  };
  EXPECT_THAT(Line("crontab: 0 24 * * *"), said_at("f:4:16"));
  EXPECT_THAT(Line("crontab: '0 24 * * *'"), said_at("f:4:17"));
  EXPECT_THAT(Line("crontab: \"0 24 * * *\""), said_at("f:4:17"));
  // Of a text that stands elsewhere, behind an anchor or otherwise, it is where the value begins.
  EXPECT_THAT(Line("crontab: &c 0 24 * * *"), said_at("f:4:14"));
  EXPECT_THAT(Line("x-c: &c 0 24 * * *\n    crontab: *c"), said_at("f:5:14"));
  EXPECT_THAT(Line("crontab: \"0\\x20\\x324 * * *\""), said_at("f:4:14"));
  EXPECT_THAT(Line("crontab: 0\n      24 * * *"), said_at("f:4:14"));
  EXPECT_THAT(Line("crontab: |\n      0 24 * * *"), said_at("f:4:14"));
}

TEST(Unbuilt, ZonesAreAskedFor) {
  const std::string text = "projects: {p: {run: x, timezone: Europe/Berln}, q: {run: x, timezone: }}";
  std::vector<std::string> asked;
  const auto reading = [&](const Status& answer) {
    return ReadJobFile(text, "f", [&](std::string_view name) {
      asked.emplace_back(name);
      return answer;
    });
  };
  EXPECT_TRUE(reading({}).file);
  EXPECT_EQ(asked, std::vector<std::string>{"Europe/Berln"});
  const JobFileReading unknown = reading(Fail(ErrorCode::kNotFound, "there is none"));
  EXPECT_FALSE(unknown.file);
  EXPECT_EQ(ErrorText(unknown.diagnostics), "f:1:34: error: 'timezone': there is none");
  const JobFileReading untold = reading(Fail(ErrorCode::kUnavailable, "who knows"));
  EXPECT_TRUE(untold.file);
  EXPECT_THAT(untold.diagnostics, Contains(Field(&Diagnostic::message, "'timezone': who knows")));
  EXPECT_TRUE(ReadJobFile(text, "f").file) << "only its shape is looked at";
}

TEST(Unbuilt, EachShapeIsChecked) {
  for (const Bad& bad : std::initializer_list<Bad>{
           {"timeout: soon", "f:4:14: error: 'timeout': 'soon' is not a duration such as 90, 90s, 5m or 2h"},
           {"timeout: {a: b}", "f:4:14: error: 'timeout': a map where a duration such as 90, 90s, 5m or 2h is meant"},
           {"retries: -1", "f:4:14: error: 'retries': '-1' is not a whole number from 0 to 1000000"},
           {"retry_backoff: 0.5", "f:4:20: error: 'retry_backoff': '0.5' is not a number from 1 to 1000"},
           {"trigger: maybe", "f:4:14: error: 'trigger': 'maybe' is not true or false"},
           {"crontab: '* * * *'", "f:4:15: error: 'crontab': 4 fields where five are meant: minute, hour"},
           {"crontab: '@never'", "f:4:15: error: 'crontab': '@never' is none of @hourly, @daily"},
           {"crontab: 0 8 $(id) * *", "f:4:18: error: 'crontab': '$(id)' is no day of month: a number from 1 to 31"},
           {"crontab: [0 8 * * *]", "f:4:14: error: 'crontab': a list where five fields such as '*/10 * * * *'"},
           {"timezone: ../../etc/passwd",
            "f:4:15: error: 'timezone': '../../etc/passwd' is not a time zone such as Europe/Berlin or UTC"},
           {"timezone: [UTC]", "f:4:15: error: 'timezone': a list where a time zone such as Europe/Berlin"},
           {"branch: --upload-pack=x", "f:4:13: error: 'branch': '--upload-pack=x' is not a branch, tag or commit"},
           {"branch: a..b", "f:4:13: error: 'branch': 'a..b' is not a branch, tag or commit"},
           {"queue-id: a b", "f:4:15: error: 'queue-id': 'a b' is not a queue's name or {name, scope: agent}"},
           {"queue-id: {name: q, scope: all}", "f:4:32: error: 'queue-id': scope must be agent or mesh"},
           {"queue-id: {nam: q}", "f:4:16: error: 'queue-id': unknown key 'nam'"},
           {"sparrowdo: {docker: [a]}", "f:4:25: error: 'sparrowdo': 'docker' must be text"},
           {"sparrowdo: alpine", "f:4:16: error: 'sparrowdo': text where a map is meant"},
           {"artifacts: [a]", "f:4:16: error: 'artifacts': a list where a map of in and out is meant"},
           {"artifacts: {inn: [a]}", "f:4:17: error: 'artifacts': unknown key 'inn'"},
           {"artifacts: {in: a}", "f:4:21: error: 'artifacts': text where a list is meant"},
           {"artifacts: {in: [../x]}", "f:4:22: error: 'artifacts': bad artifact name '../x'"},
           {"artifacts: {out: [a]}", "f:4:23: error: 'artifacts': an entry must be {file, path}"},
           {"artifacts: {out: [{path: a}]}", "f:4:23: error: 'artifacts': an entry needs 'file'"},
           {"pool: {count: 0}", "f:4:19: error: 'pool': 'count' must be all or a number from 1 on"},
           {"pool: {labels: [a]}", "f:4:20: error: 'pool': 'labels': a list where a map is meant"},
           {"pool: {labels: {../x: a}}", "f:4:21: error: 'pool': bad name '../x'"},
           {"pool: {label: {}}", "f:4:12: error: 'pool': unknown key 'label'"},
           {"on_failure: skip", "f:4:17: error: 'on_failure': 'skip' is not fail or ignore"},
           {"on_lost: wait forever", "f:4:14: error: 'on_lost': 'wait forever' is not fail, retry or 'wait DURATION'"},
           {"max_failures: 101%", "f:4:19: error: 'max_failures': '101%' is not a number or a percentage"},
           {"log_limit: 5 bananas", "f:4:16: error: 'log_limit': '5 bananas' is not a size such as 256MiB"},
           {"sandbox: none", "f:4:14: error: 'sandbox': 'none' is not off, standard or strict"},
           {"overlap: no", "f:4:14: error: 'overlap': 'no' is not skip, queue or allow"},
           {"hook: {}", "f:4:11: error: 'hook': it needs 'secret', the name of the secret that signs it"},
           {"hook: {token: a}", "f:4:12: error: 'hook': unknown key 'token'"},
           {"hook: {secret: ../a}", "f:4:20: error: 'hook': 'secret' must be the name of a secret"},
           {"hook: {secret: a}", "f:4:5: error: 'hook' starts a run of what was pushed to a Git repository"},
           {"trigger: true", "f:4:5: warning: 'trigger' starts a run of what was pushed to a Git repository"},
           {"notify: {a: b}", "f:4:13: error: 'notify': a map where a list is meant"}}) {
    EXPECT_NE(Line(bad.line).find(bad.said), std::string::npos) << bad.line << "\n" << Line(bad.line);
  }
}

TEST(Unbuilt, StartIsRefusedForWhateverThePlanReaches) {
  JobFileReading reading = ReadJobFile(
      "projects:\n"
      "  top: {run: x, before: [{name: mid, title: '${{ params.x }}'}]}\n"
      "  mid: {run: x, hosts: [{title: '${{ params.x }}'}], before: [{name: leaf, hosts: [{title: "
      "'${{ params.x }}'}]}]}\n"
      "  leaf: {run: x, ping: x}\n"
      "  other: {run: x, waves: 3}\n"
      "  free: {run: x}\n",
      "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  auto refusals = [&](const char* project) {
    return ErrorText(StartRefusals(*reading.file, *reading.file->Choose(project)));
  };
  EXPECT_EQ(refusals("top"),
            "f:2:45: error: '${{ params }} in title' of project 'top' is not built yet, so 'top' can't be started\n"
            "f:3:33: error: '${{ params }} in title' of project 'mid' is not built yet, so 'top' can't be started\n"
            "f:3:92: error: '${{ params }} in title' of project 'mid' is not built yet, so 'top' can't be started\n"
            "f:4:18: error: 'ping' of project 'leaf' is not built yet, so 'top' can't be started");
  EXPECT_EQ(refusals("leaf"), "f:4:18: error: 'ping' of project 'leaf' is not built yet, so 'leaf' can't be started");
  EXPECT_EQ(refusals("free"), "");
}

}  // namespace
}  // namespace cromt
