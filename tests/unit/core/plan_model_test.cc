// Goal: the planner makes of any job file what docs/jobs-yaml.md says, and refuses whatever is none. Method: files from
// seeds, against a second, naive reading of that page (plan_model.h); and texts that are broken at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/planner.h"
#include "io/config/job_reader.h"
#include "tests/unit/core/plan_model.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

using plan_model::Answer;
using plan_model::Entry;
using plan_model::File;
using plan_model::Host;
using plan_model::Said;
using plan_model::TextOf;
using Random = std::mt19937_64;

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool PerCent(uint64_t chance) { return Below(100) < chance; }

  // Of a few words each, so that some come together by chance. A file where little is said shares more.
  Said DrawSaid(bool of_host) {
    Said said;
    const uint64_t much = talkative_;
    if (PerCent(of_host ? 60 : much)) said.url = fmt::format("h{}", Below(3));
    if (PerCent(much)) said.title = fmt::format("t{}", Below(2));
    if (PerCent(much)) said.action = Below(2) == 0 ? "build" : "build test";
    if (PerCent(much)) {
      said.lane = fmt::format("q{}", Below(2));
      said.lane_of_agent = PerCent(30);
    }
    if (PerCent(much)) said.retries = static_cast<int>(Below(3));
    for (const char* name : {"A", "B"})
      if (PerCent(much)) said.vars[name] = std::to_string(Below(3));
    return said;
  }

  std::vector<Host> DrawHosts() {
    std::vector<Host> hosts(1 + Below(3));
    std::set<std::string> ids;
    for (Host& host : hosts) {
      host.said = DrawSaid(true);
      std::string id = PerCent(50) ? fmt::format("h{}", Below(3)) : fmt::format("i{}", Below(9));
      if (PerCent(40) && ids.insert(id).second) host.id = id;
    }
    return hosts;
  }

  // Each project lists only later ones, so no cycle comes of it.
  File DrawFile() {
    talkative_ = Below(3) * 15;
    const bool artifacts = PerCent(40);
    File file;
    file.projects.resize(1 + Below(7));
    for (size_t i = 0; i < file.projects.size(); ++i) {
      plan_model::Project& project = file.projects[i];
      project.said = DrawSaid(false);
      if (PerCent(40)) project.hosts = DrawHosts();
      const size_t later = file.projects.size() - i - 1;
      auto draw = [&](std::vector<Entry>& entries, uint64_t most) {
        for (uint64_t n = later == 0 ? 0 : Below(most + 1); n > 0; --n) {
          Entry entry{.target = i + 1 + Below(later), .said = DrawSaid(false)};
          if (PerCent(talkative_)) entry.hosts = DrawHosts();
          entries.push_back(std::move(entry));
        }
      };
      draw(project.before, 3);
      draw(project.after, 2);
      for (Entry& entry : project.after) entry.when = static_cast<When>(Below(3));
      if (PerCent(20)) project.parallel = static_cast<int>(1 + Below(3));
      project.ignore_failure = PerCent(10);
      if (!project.ignore_failure && PerCent(20)) {
        project.percent = PerCent(50);
        project.max_failures = static_cast<int>(1 + Below(project.percent ? 99 : 3));
      }
      for (const char* name : {"x", "y"}) {
        if (!artifacts) continue;
        if (PerCent(i + 1 == file.projects.size() ? 60 : 15)) project.publishes.push_back(name);
        if (PerCent(15)) project.wants.push_back(name);
      }
    }
    return file;
  }

 private:
  Random random_;
  uint64_t talkative_ = 0;
};

Result<Plan> Planned(const std::string& text, const StartOverrides& overrides = {}) {
  JobFileReading reading = ReadJobFile(text, "f");
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  return PlanRun(*reading.file, "p0", overrides, {});
}

class PlanModel : public ::testing::TestWithParam<uint64_t> {};

TEST_P(PlanModel, AnyFileGivesThePlanThatThePageSays) {
  int planned = 0, refused = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    const uint64_t seed = GetParam() * 1'000'000 + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Drawer drawer(seed);
    const File file = drawer.DrawFile();
    StartOverrides start;
    std::map<std::string, std::string> vars;
    if (drawer.PerCent(20)) start.action = {"other"};
    if (drawer.PerCent(20)) vars["A"] = "start";
    start.vars.assign(vars.begin(), vars.end());
    const Answer wanted = plan_model::PlanOf(file, start.action.empty() ? "" : start.action[0], vars);
    if (wanted.too_large) continue;
    const std::string text = TextOf(file);
    const auto plan = Planned(text, start);
    if (wanted.plan.empty()) {
      ++refused;
      ASSERT_FALSE(plan) << "seed " << seed << ": it should be refused: " << wanted.refusal << "\n" << text;
      ASSERT_EQ(plan.error().code, ErrorCode::kInvalid) << plan.error().message;
      continue;
    }
    ++planned;
    ASSERT_TRUE(plan) << "seed " << seed << ": " << plan.error().message << "\n" << text;
    ASSERT_TRUE(Validate(*plan)) << "seed " << seed << "\n" << text;
    ASSERT_EQ(plan_model::Describe(*plan), wanted.plan) << "seed " << seed << "\n" << text;
  }
  EXPECT_GT(planned, 300);
  EXPECT_GT(refused, 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlanModel, Seeds(6));

// ---- What is no job file ------------------------------------------------------------------------

class BrokenFile : public ::testing::TestWithParam<uint64_t> {};

// A project that lists an earlier one, or itself, closes a cycle if it is reached by it.
TEST_P(BrokenFile, CyclesAndUnknownNamesAreRefused) {
  for (uint64_t i = 0; i < 200; ++i) {
    const uint64_t seed = GetParam() * 1'000'000 + i;
    Drawer drawer(seed);
    File file = drawer.DrawFile();
    const size_t from = drawer.Below(file.projects.size());
    std::vector<Entry>& list = drawer.PerCent(50) ? file.projects[from].before : file.projects[from].after;
    std::string text;
    if (drawer.PerCent(50)) {  // a way back along an edge that is there, or to itself
      size_t back = from;
      if (!list.empty()) {
        back = list[drawer.Below(list.size())].target;
        file.projects[back].before.push_back({.target = from});
      } else {
        list.push_back({.target = back});
      }
      text = TextOf(file);
    } else {
      list.push_back({.target = file.projects.size() + drawer.Below(3)});
      text = TextOf(file);
    }
    const auto plan = Planned(text);
    ASSERT_FALSE(plan) << "seed " << seed << "\n" << text;
    ASSERT_FALSE(plan.error().message.empty());
  }
}

// Bytes are changed, taken out, doubled: it is read or refused, and what is read is planned or refused.
TEST_P(BrokenFile, AnyTextIsReadOrRefused) {
  constexpr std::string_view kLetters = "{}[],:'\"&*!|>-?#%@` \n\tp0x";
  for (uint64_t i = 0; i < 200; ++i) {
    const uint64_t seed = GetParam() * 1'000'000 + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Drawer drawer(seed);
    std::string text = TextOf(drawer.DrawFile());
    for (uint64_t n = 1 + drawer.Below(6); n > 0; --n) {
      const size_t at = drawer.Below(text.size());
      switch (drawer.Below(4)) {
        case 0: text[at] = kLetters[drawer.Below(kLetters.size())]; break;
        case 1: text.erase(at, 1 + drawer.Below(5)); break;
        case 2: text.insert(at, text.substr(drawer.Below(text.size()), drawer.Below(40))); break;
        default: text.insert(at, 1, static_cast<char>(drawer.Below(256)));
      }
      if (text.empty()) text = "x";
    }
    const auto plan = Planned(text);
    if (plan)
      ASSERT_TRUE(Validate(*plan)) << "seed " << seed << "\n" << text;
    else
      ASSERT_FALSE(plan.error().message.empty()) << "seed " << seed << "\n" << text;
  }
}

// Each of these asks for more than may be: as many paths as 2 to the power of its length, tasks, or edges.
TEST_P(BrokenFile, WhatIsTooLargeIsRefusedSoon) {
  Drawer drawer(GetParam());
  File file;
  const size_t length = 25 + drawer.Below(40);
  file.projects.resize(length + 1);
  for (size_t i = 0; i < length; ++i)
    for (int twice = 0; twice < 2; ++twice) {
      Entry entry{.target = i + 1};
      if (twice == 1 && drawer.PerCent(50)) entry.said.vars["A"] = std::to_string(i);
      file.projects[i].after.push_back(entry);
    }
  const auto plan = Planned(TextOf(file));
  ASSERT_FALSE(plan) << "seed " << GetParam();
  EXPECT_EQ(plan.error().code, ErrorCode::kExhausted) << plan.error().message;
}

INSTANTIATE_TEST_SUITE_P(Seeds, BrokenFile, Seeds(5));

}  // namespace
}  // namespace cromt
