#include "tests/sim/clients.h"

#include <fmt/format.h>

#include "core/rerun.h"

namespace cromt::sim {
namespace {

// The coordinator could not commit it, and said so.
bool NotTaken(const Result<RunId>& answer) {
  return !answer && (answer.error().code == ErrorCode::kUnavailable || answer.error().message.ends_with(kDiskFull) ||
                     answer.error().message.ends_with(kDiskFails));
}

}  // namespace

void Clients::Begin() {
  const auto& only = world_.options.part.starts;
  for (size_t i = 0; i < starts_.size(); ++i) {
    if (only && !only->contains(i + 1)) continue;
    ++waiting_;
    world_.timeline.At(starts_[i].at, "client starts", i, [this, i] {
      auto answered = std::make_shared<bool>(false);
      if (starts_[i].repeated && world_.dice.PerCent(50)) SendStart(i);  // both on their way at once
      Insist(i, answered, [this, i, answered] {
        *answered = !runs_[i].empty();
        if (!*answered) SendStart(i);
      });
    });
  }
}

void Clients::Insist(uint64_t id, std::shared_ptr<bool> answered, std::function<void()> send) {
  if (*answered) return;
  send();
  world_.timeline.After(seconds(3), "client waits", id, [this, id, answered, send] { Insist(id, answered, send); });
}

void Clients::Call(Event event, uint64_t id, Answer answer) {
  auto delay = [this] { return world_.dice.Between(Duration(100), milliseconds(20)); };
  if (world_.dice.PerCent(3)) return world_.situations.Saw("network", "a request is lost");
  world_.timeline.After(delay(), "call", id, [=, this, event = std::move(event)] {
    coordinator_.Ask(event, [=, this](const Result<RunId>& result) {
      if (world_.dice.PerCent(5)) return world_.situations.Saw("network", "an answer is lost");
      world_.timeline.After(delay(), "answer", id, [=, this, went_back = world_.ledger.went_back()] {
        if (went_back == world_.ledger.went_back()) answer(result);  // else what it says is gone, and it got lost
      });
    });
  });
}

// ---- Starts -----------------------------------------------------------------------------------

void Clients::SendStart(size_t i) {
  const PlannedStart& start = starts_[i];
  StartRun event{.run = RunId(world_.dice.Name()), .request = start.request, .project = start.project, .author = "sim"};
  world_.ledger.Offered(event.run, start.request, start.plan);
  event.plan = world_.options.bugs.plan ? world_.options.bugs.plan(start.plan) : start.plan;
  Call(std::move(event), i, [this, i](const Result<RunId>& answer) { Started(i, answer); });
}

void Clients::Started(size_t i, const Result<RunId>& answer) {
  if (NotTaken(answer)) return;  // asked again
  if (!answer) return world_.ledger.Violation("a start was refused: " + answer.error().message);
  world_.timeline.Note(fmt::format("start of {} is answered with run {}", starts_[i].project, answer->text()));
  world_.ledger.StartAcknowledged(starts_[i].request, *answer);
  if (!runs_[i].empty()) return;
  runs_[i] = *answer;
  --waiting_;
  if (starts_[i].repeated)
    world_.timeline.After(world_.dice.Between(Duration(0), seconds(40)), "client repeats", i,
                          [this, i] { SendStart(i); });
  if (starts_[i].rerun) {
    ++waiting_;
    world_.timeline.After(*starts_[i].rerun, "client starts it again", i, [this, i] { Rerun(i); });
  }
  for (const auto& cancel : starts_[i].cancels) {
    ++waiting_;
    world_.timeline.After(cancel.after, "client cancels", i, [this, i, task = cancel.task] { SendCancel(i, task); });
  }
}

// ---- Reruns -----------------------------------------------------------------------------------

void Clients::Rerun(size_t i) {
  auto found = coordinator_.Finished(runs_[i]);
  const bool late = world_.timeline.now() > seconds(300);
  if (late || (!found && found.error().code == ErrorCode::kNotFound)) {
    --waiting_;
    return;
  }
  if (!found || !*found) {
    world_.timeline.After(seconds(5), "client starts it again", i, [this, i] { Rerun(i); });
    return;
  }
  auto earlier = std::make_shared<StoredRun>(std::move(**found));
  if (starts_[i].rerun_failed && TakeOver(*earlier, runs_[i]).again == 0) {
    --waiting_;
    return;
  }
  const RequestId request(world_.dice.Name());
  auto answered = std::make_shared<bool>(false);
  Insist(i, answered, [=, this] { SendRerun(i, *earlier, request, answered); });
}

void Clients::SendRerun(size_t i, const StoredRun& earlier, const RequestId& request, std::shared_ptr<bool> answered) {
  StartRun event{.run = RunId(world_.dice.Name()),
                 .request = request,
                 .project = starts_[i].project,
                 .trigger = Trigger::kRerun,
                 .author = "sim"};
  event.plan = earlier.plan;
  Ledger::TakenOver taken_over;
  if (starts_[i].rerun_failed) {
    TakenOver taken = TakeOver(earlier, event.run);
    for (TaskIndex t = 0; t < taken.tasks.size(); ++t)
      if (taken.tasks[t].outcome) taken_over[t].outcome = *taken.tasks[t].outcome;
    for (const ArtifactsPublished& published : taken.artifacts)
      taken_over[published.task].artifacts = published.artifacts;
    event.tasks = std::move(taken.tasks);
    event.artifacts = std::move(taken.artifacts);
  }
  world_.ledger.Offered(event.run, request, event.plan, std::move(taken_over));
  Call(std::move(event), i, [this, request, answered](const Result<RunId>& answer) {
    if (NotTaken(answer)) return;  // asked again
    if (!answer) return world_.ledger.Violation("a rerun was refused: " + answer.error().message);
    world_.ledger.StartAcknowledged(request, *answer);
    if (!std::exchange(*answered, true)) --waiting_;
  });
}

// ---- Cancels ----------------------------------------------------------------------------------

void Clients::SendCancel(size_t i, std::optional<TaskIndex> task) {
  auto answered = std::make_shared<bool>(false);
  Event event = CancelRun{runs_[i], "eve"};
  if (task) event = CancelTask{runs_[i], *task, "eve"};
  Insist(i, answered, [=, this] {
    world_.ledger.CancelOffered(runs_[i], task);
    Call(event, i, [=, this](const Result<RunId>& answer) {
      if (NotTaken(answer)) return;
      if (answer && !task) world_.ledger.RunCancelAcknowledged(runs_[i]);
      if (!std::exchange(*answered, true)) --waiting_;
    });
  });
}

}  // namespace cromt::sim
