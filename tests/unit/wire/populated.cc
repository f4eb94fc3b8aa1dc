#include "tests/unit/wire/populated.h"

namespace cromt::wire {

Digest FullDigest() {
  return {std::string(64, 'a'), 4321};
}

AttemptId FullId() {
  return {RunId("run-1"), 7, 2};
}

TaskSpec FullSpec(Work work) {
  return {.name = "Größe & Co",
          .project = "build",
          .work = std::move(work),
          .variables = {{"NAME", "value"}, {"BYTES", "\xFF\n"}, {"EMPTY", ""}},
          .source = {.repository = "https://example.org/a.git",
                     .ref = "v1.2",
                     .commit = std::string(40, 'c'),
                     .branch = "main",
                     .tree = FullDigest()},
          .timeout = seconds(90),
          .grace = milliseconds(1500),
          .log_limit_bytes = 12345,
          .exit_policy = {.success = {0, 3}, .stop = {77, 255}},
          .retry = {3, seconds(5), 1500},
          .silence = {seconds(7), true, seconds(99), true},
          .priority = -3,
          .inherit_env = true,
          .publishes = {{"out", "build/*.tar"}},
          .host_gaps = {{HostGap::In::kVariable, 0, 0, "HOME"}, {HostGap::In::kArtifactPath, 0, 5, "NAME"}},
          .container = Container{.existing = "db",
                                 .image = "registry.example:5000/team/tool:1.2",
                                 .pull = Pull::kNever,
                                 .network = "none",
                                 .user = "1000:1000",
                                 .read_only = true,
                                 .bootstrap = true,
                                 .mounts = {{"cache", "/var/cache", true}},
                                 .privileged = true,
                                 .capabilities = {"NET_ADMIN"},
                                 .devices = {"/dev/fuse"},
                                 .pid = "host",
                                 .ipc = "host"},
          .limits = {256 << 20, 500, 100},
          .confinement = {.user = "www-data", .sandbox = Sandbox::kStrict},
          .secrets = {
              {"db", "DB_PASSWORD", "", ""}, {"key", "", "key.pem", ""}, {"login", "", "", "registry.example:5000"}}};
}

std::shared_ptr<const TaskSpec> SharedSpec(Work work) {
  return std::make_shared<const TaskSpec>(FullSpec(std::move(work)));
}

SecretValues FullSecrets() {
  return std::make_shared<const std::vector<std::pair<std::string, std::string>>>(
      std::vector<std::pair<std::string, std::string>>{{"db", "hunter22"}, {"key", std::string("\0\xFF", 2)}});
}

PublishedArtifact FullArtifact() {
  return {"patch.sql", FullDigest(), true, "grant-1"};
}

LeaseInputs FullInputs() {
  return std::make_shared<const std::vector<LeaseInput>>(
      std::vector<LeaseInput>{{"host2/patch.sql",
                               FullArtifact(),
                               AgentId("agent-2"),
                               "host2:4000",
                               "host2",
                               {AgentId("agent-1"), WallFromMicros(1'800'000'000'000'001), "proof-1"}}});
}

std::vector<Work> EveryWork() {
  return {Command{{"/bin/echo", "h\xFFi"}}, Script{"echo \xFF\n"},
          Actions{{"pull", "deploy/main"}, {"--env=prod", "--quiet"}}};
}

std::vector<AttemptResult> EveryResult() {
  using Kind = AttemptResult::Kind;
  std::vector<AttemptResult> results;
  for (Kind kind : {Kind::kExited, Kind::kStopped, Kind::kTimedOut, Kind::kNotStarted, Kind::kLost})
    results.push_back({.kind = kind,
                       .status = Exited{42},
                       .reason = "größer",
                       .started_at = WallFromMicros(1'700'000'000'000'001),
                       .ended_at = WallFromMicros(1'700'000'000'000'002),
                       .log_bytes = 99,
                       .returned = kind == Kind::kNotStarted});
  results.push_back({.kind = Kind::kExited, .status = Signaled{9}});
  results.push_back({.kind = Kind::kExited, .status = Exited{0}, .published = {FullArtifact()}});
  results.push_back({.kind = Kind::kNotPublished,
                     .status = Exited{0},
                     .reason = "no file",
                     .image_digest = "registry.example:5000/team/tool@sha256:" + std::string(64, 'd')});
  results.push_back({.kind = Kind::kStopped, .image_digest = "sha256:" + std::string(64, 'e')});
  results.push_back({.kind = Kind::kLost, .reason = "lost"});
  return results;
}

Plan FullPlan() {
  Plan plan;
  plan.specs = {FullSpec(), FullSpec(Script{"x"}), FullSpec(Actions{{"deploy"}, {"--env=prod"}})};
  plan.specs[1].source = {.directory = "~/src"};
  plan.hosts = {{"local", ""}, {"h1", "h1:4000"}};
  plan.groups = {{"lane", 1, true}, {"limit", 4, false}};
  plan.instances = {
      {.project = "build", .first_task = 0, .task_count = 2, .after = {1, 3}, .inputs = {{"in", 1, false}}},
      {.project = "after",
       .first_task = 2,
       .task_count = 1,
       .inputs = {{"out", 0, true}},
       .when = When::kAlways,
       .ignore_failure = true,
       .max_failures = 2},
      {.project = "last", .first_task = 3, .needs = {0}},
      {.project = "tell", .first_task = 3, .when = When::kFailure}};
  plan.tasks = {{0, 0, 0, {}}, {0, 1, 1, {0, 1}}, {1, 2, 1, {1}}};
  plan.run_timeout = seconds(3600);
  return plan;
}

ToAgent FullToAgent() {
  ToAgent message;
  message.hello = CoordinatorHello{MeshId("mesh"), 3, 4, {6, 5}, 7, true};
  message.verdicts = {
      {FullId(), Verdict::Kind::kKeep}, {FullId(), Verdict::Kind::kStop}, {FullId(), Verdict::Kind::kForget}};
  message.verdicts_done = true;
  for (Work& work : EveryWork())
    message.leases.push_back({FullId(), SharedSpec(std::move(work)), "host1", FullInputs(), FullSecrets()});
  TaskSpec in_directory = FullSpec();
  in_directory.source = {.directory = "/srv/\xFF"};
  message.leases.push_back({FullId(), std::make_shared<const TaskSpec>(in_directory), "host1", nullptr});
  message.blob_failures = {{FullDigest(), "gone"}};
  message.stops = {FullId(), {RunId("run-2"), 0, 1}};
  message.ack = Ack{8, 9};
  message.heartbeat_echo = 10;
  return message;
}

FromAgent FullFromAgent() {
  using Phase = InventoryItem::Phase;
  FromAgent message;
  message.hello = AgentHello{.agent = AgentId("agent-1"),
                             .journal = JournalId("journal-1"),
                             .boot = "boot-1",
                             .levels = {2, 1},
                             .slots = 8,
                             .labels = {{"os", "linux"}, {"gpu", ""}},
                             .version = "0.1.0",
                             .seen_epoch = 3,
                             .seen_commit = 4,
                             .acked_sequence = 5,
                             .last_sequence = 6};
  message.inventory = {{FullId(), Phase::kLeased}, {FullId(), Phase::kRunning}, {FullId(), Phase::kEnded}};
  message.inventory_done = true;
  message.reports.push_back({1, FullId(), Report::Started{WallFromMicros(1'700'000'000'000'000)}});
  for (AttemptResult& result : EveryResult())
    message.reports.push_back({message.reports.size() + 1, FullId(), std::move(result)});
  message.heartbeat = 11;
  message.wanted_blobs = {FullDigest()};
  message.refuses = "no room";
  message.warns = "filling up";
  return message;
}

std::vector<JournalRecord> EveryRecord() {
  MeshId mesh("mesh");
  Wall at = WallFromMicros(1'700'000'000'000'000);
  std::vector<JournalRecord> records = {
      journal::Opened{JournalId("journal-1"), "boot-1", 5},
      journal::MeshSeen{mesh, 1, 2, 3, 4, 5, 6},
      journal::Launching{6, 2, "incarnation-1"},
      journal::Started{6, 7, at, 8},
      journal::StopAsked{6},
      journal::Acked{mesh, 9, 10},
      journal::Stored{mesh, 11},
      journal::Forgotten{6},
  };
  for (Work& work : EveryWork())
    records.push_back(
        journal::Accepted{6, mesh, FullId(), SharedSpec(std::move(work)), "host1", RequestId("req"), at, FullInputs()});
  TaskSpec in_directory = FullSpec();
  in_directory.source = {.directory = "/srv/\xFF"};
  records.push_back(journal::Accepted{
      .ticket = 7, .mesh = mesh, .id = FullId(), .spec = std::make_shared<const TaskSpec>(in_directory)});
  for (AttemptResult& result : EveryResult()) records.push_back(journal::Ended{6, 12, std::move(result), 13, 14});
  return records;
}

}  // namespace cromt::wire
