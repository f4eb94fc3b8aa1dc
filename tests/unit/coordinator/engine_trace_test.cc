// What a coordinator's engine took in and decided, in words.
#include "coordinator/engine_trace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cromt {
namespace {

const Wall kNow = WallFromMicros(1'000'000);

std::vector<std::string> KindsOf(const EngineTrace& trace) {
  std::vector<std::string> kinds;
  for (const EventRing::Event& event : trace.events().Last()) kinds.emplace_back(event.kind);
  return kinds;
}

TEST(EngineTraceTest, TellsInputsByTheirIds) {
  EngineTrace trace;
  FromAgent message;
  message.hello = AgentHello{.agent = AgentId("hostA"), .journal = JournalId("j"), .version = "1"};
  message.reports = {{1, {RunId("run1"), 2, 1}, Report::Started{}},
                     {2, {RunId("run1"), 2, 1}, AttemptResult{.kind = AttemptResult::Kind::kLost, .reason = "crash"}}};
  std::vector<EngineInput> inputs;
  inputs.emplace_back(engine_input::LinkOpened{7});
  inputs.emplace_back(engine_input::LinkMessage{7, message});
  inputs.emplace_back(engine_input::LinkWritable{7});
  inputs.emplace_back(engine_input::Ask{CancelRun{RunId("run1"), "ann"}, {}});
  inputs.emplace_back(engine_input::LinkClosed{7, "it broke"});
  trace.TookIn(inputs, kNow);
  EXPECT_EQ(KindsOf(trace), (std::vector<std::string>{"link.opened", "agent.hello", "report.started", "report.ended",
                                                      "asked.cancel", "link.closed"}));
  const auto ended = trace.events().Last()[3];
  EXPECT_EQ(ended.of, "run1");
  EXPECT_EQ(ended.task, 3u);
  EXPECT_EQ(ended.state, "lost");
  EXPECT_EQ(ended.reason, "crash");
}

// A bundle is for other eyes than a job file.
TEST(EngineTraceTest, TellsNothingOfWhatTasksDo) {
  EngineTrace trace;
  auto plan = std::make_shared<Plan>();
  plan->specs.emplace_back();
  plan->specs[0].project = "p";
  plan->specs[0].work = Script{"private words"};
  plan->specs[0].name = "private words";
  plan->specs[0].variables = {{"v", "private words"}};
  const RunHeader header{.id = RunId("run1"), .request = RequestId("r"), .project = "p", .author = "ann"};
  std::vector<EngineInput> inputs;
  inputs.emplace_back(engine_input::Ask{
      StartRun{.run = RunId("run1"), .request = RequestId("r"), .project = "p", .author = "ann", .plan = plan}, {}});
  inputs.emplace_back(engine_input::Apply{{.path = "/f", .text = "private words", .if_revision = {}}, {}, {}});
  trace.TookIn(inputs, kNow);
  FileApplied applied{.file = "f", .path = "/f", .revision = 1, .text = "private words"};
  trace.Committed(std::vector<Record>{RunCreated{header, plan}, applied}, kNow);
  EXPECT_EQ(KindsOf(trace), (std::vector<std::string>{"asked.start", "asked.apply", "run.created", "file.applied"}));
  for (const EventRing::Event& event : trace.events().Last())
    EXPECT_EQ((event.of + event.agent + event.reason).find("private"), std::string::npos) << event.kind;
}

}  // namespace
}  // namespace cromt
