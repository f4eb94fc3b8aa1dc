#include "tests/sim/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/store/reader.h"
#include "tests/sim/clients.h"
#include "tests/sim/disk/sqlite_vfs.h"
#include "tests/sim/faults.h"
#include "tests/sim/operators.h"
#include "tests/sim/past_check.h"
#include "tests/sim/plain_jobs.h"
#include "tests/sim/shrink.h"

namespace cromt::sim {
namespace {

// Makes another seed of one.
constexpr uint64_t kOther = 0x5e1f57a275, kPeople = 0x9e09e1, kJobs = 0x10b5;
// After the last fault everything must be done within this long ("nothing waits without a deadline").
constexpr Duration kPatience = std::chrono::hours(1);
// Where something is wrong already it is not waited for that long.
constexpr Duration kShortPatience = std::chrono::minutes(10);
// When all runs have finished, what is left on the agents is gone within this long.
constexpr Duration kSettling = seconds(60);

// Two to five hosts, if it is not said how many; one of them may have a second name.
std::map<std::string, size_t> MakeAddresses(Dice& dice, size_t wanted) {
  std::map<std::string, size_t> addresses;
  const size_t drawn = dice.Between(2, 5);
  const size_t hosts = wanted == 0 ? drawn : wanted;
  for (size_t i = 0; i < hosts; ++i) addresses[fmt::format("host{}:4000", i)] = i;
  if (dice.PerCent(20)) addresses["alias:4000"] = dice.Below(hosts);
  return addresses;
}

class Cluster {
 public:
  Cluster(const SimOptions& options, Dice dice)
      : addresses_(MakeAddresses(dice, options.hosts)),
        world_{options, Timeline(options.story), Ledger(world_.timeline, addresses_), dice},
        watches_(world_.dice.PerCent(50)),
        network_(world_),
        starts_(world_, options.seed ^ kOther, Addresses()),
        coordinator_(world_, network_, starts_, watches_ ? Addresses() : std::vector<std::string>()),
        clients_(world_, coordinator_, Workload()),
        operators_(world_, coordinator_, hosts_, addresses_, options.seed ^ kPeople),
        jobs_(world_, hosts_, options.seed ^ kJobs),
        faults_(world_, network_, coordinator_, hosts_) {
    if (world_.dice.PerCent(30)) world_.batch = world_.dice.Between(1, 4);
    for (const auto& [address, index] : addresses_)
      while (hosts_.size() <= index) hosts_.push_back(std::make_unique<SimHost>(world_, network_, hosts_.size()));
    std::map<std::string, SimHost*> by_address;
    for (const auto& [address, index] : addresses_) by_address[address] = hosts_[index].get();
    network_.Connect(std::move(by_address));
  }

  void Run() {
    for (auto& host : hosts_) host->Boot();
    coordinator_.Boot();
    clients_.Begin();
    if (world_.options.part.self_starts) starts_.Begin(coordinator_);
    operators_.Begin();
    jobs_.Begin();
    faults_.Begin();
    while (!faults_.over()) world_.timeline.RunNext();
    const Duration since = world_.timeline.now();
    auto patience = [this] { return world_.ledger.violations().empty() ? kPatience : kShortPatience; };
    while (!Settled() && world_.timeline.now() < since + patience() && world_.timeline.RunNext()) {
    }
    if (!done_since_) {
      coordinator_.TellWhy();
      world_.ledger.Violation(
          fmt::format("invariant 4: not all was done {} after the last fault", FormatDuration(patience())));
    }
    CheckHosts();
    jobs_.Check();
    if (world_.options.part.self_starts) coordinator_.CheckStarts();
    coordinator_.OnDeath({});
    coordinator_.Die("the end");
    CheckStore();
    coordinator_.CheckOutput();
  }

  SimReport Report() const {
    return {.seed = world_.options.seed,
            .part = world_.options.part,
            .hash = world_.timeline.hash(),
            .events = world_.timeline.events(),
            .simulated_seconds = static_cast<uint64_t>(world_.timeline.now() / seconds(1)),
            .starts = clients_.starts(),
            .jobs = jobs_.count(),
            .faults = faults_.count(),
            .drawn = faults_.drawn(),
            .processes = world_.ledger.processes(),
            .violations = world_.ledger.violations(),
            .situations = world_.situations.Counts()};
  }

 private:
  std::vector<std::string> Addresses() const {
    std::vector<std::string> names;
    for (const auto& [address, index] : addresses_) names.push_back(address);
    return names;
  }
  std::vector<PlannedStart> Workload() {
    Dice dice(world_.dice.Fork());
    return MakeWorkload(dice, Addresses());
  }

  // A coordinator that comes up with nothing to do calls only the agents that its configuration names; the others keep
  // what they have until a run needs them.
  void CheckHosts() {
    if (!coordinator_.pushes_idle()) world_.ledger.Violation("at the end something is still on its way to an agent");
    if (!watches_) return;
    for (const auto& host : hosts_)
      if (std::string left = host->Leftover(); !left.empty())
        world_.ledger.Violation(fmt::format("at the end, on host {}: {}", host->index(), left));
    std::set<size_t> all;
    for (const auto& host : hosts_) all.insert(host->index());
    world_.outputs.CheckAll(all);
  }

  // All is done, and has been for a while.
  bool Settled() {
    if (!clients_.done() || !operators_.done() || !(starts_.done() || !world_.options.part.self_starts) ||
        !jobs_.done() || !coordinator_.idle() || std::ranges::any_of(hosts_, &SimHost::runs))
      done_since_.reset();
    else if (!done_since_)
      done_since_ = world_.timeline.now();
    return done_since_ && world_.timeline.now() >= *done_since_ + kSettling;
  }

  void CheckStore() {
    auto fail = [&](const Error& error) { world_.ledger.Violation("reading the store: " + error.message); };
    auto reader = StoreReader::Open(coordinator_.path(), coordinator_.disk());
    if (!reader) return fail(reader.error());
    auto runs = reader->Runs("", 1'000'000);
    if (!runs) return fail(runs.error());
    std::vector<RunView> views;
    for (const RunView& run : *runs) {
      auto view = reader->Run(run.header.id);
      if (!view) return fail(view.error());
      for (const TaskView& task : view->tasks)
        world_.timeline.Note(fmt::format("run {} task {} ends as {} at attempt {}", run.header.id.text(),
                                         task.index + 1, task.status.outcome ? ToString(*task.status.outcome) : "none",
                                         task.status.attempt));
      views.push_back(std::move(*view));
    }
    world_.ledger.CheckFinal(views);
    coordinator_.live().CheckFinal(views);
    CheckPast(world_, *reader, views);
    if (world_.options.part.self_starts) starts_.Check(*reader, views);
  }

  std::map<std::string, size_t> addresses_;
  World world_;
  const bool watches_;  // the coordinator's configuration names the agents
  std::vector<std::unique_ptr<SimHost>> hosts_;
  Network network_;
  SelfStarts starts_;
  SimCoordinator coordinator_;
  Clients clients_;
  Operators operators_;
  PlainJobs jobs_;
  Faults faults_;
  std::optional<Duration> done_since_;
};

}  // namespace

SimReport Simulate(const SimOptions& options) {
  SeedSqlite(options.seed);
  Cluster cluster(options, Dice(options.seed));
  cluster.Run();
  return cluster.Report();
}

std::string JsonLine(const SimReport& report) {
  nlohmann::ordered_json line;
  line["seed"] = report.seed;
  line["hash"] = fmt::format("{:016x}", report.hash);
  line["events"] = report.events;
  line["simulated_seconds"] = report.simulated_seconds;
  line["faults"] = report.faults;
  line["violations"] = report.violations;
  return line.dump();
}

std::string Summary(const SimReport& report) {
  std::string text = fmt::format(
      "seed {}: hash {:016x}, {} events in {} simulated seconds, {} faults, {} processes, {} violations", report.seed,
      report.hash, report.events, report.simulated_seconds, report.faults, report.processes, report.violations.size());
  for (const std::string& violation : report.violations) text += "\n  " + violation;
  const std::string part = ArgumentsFor(report.part);
  if (!report.violations.empty())
    text += fmt::format("\n  replay: cromt-sim --seed {}{}{} -v", report.seed, part.empty() ? "" : " ", part);
  return text;
}

}  // namespace cromt::sim
