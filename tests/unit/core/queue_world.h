// Everything around an agent's queue, under a seed: a launcher with processes, two coordinators and a person that
// submit work, read reports and acknowledge them, a preparer, the journal. A world is a value: a copy goes on from the
// same moment on its own, with a queue restored from its journal.
//
// It checks what no queue may ever do: start an attempt twice or one that can't be read, lose or double an end, leave a
// gap in the reports or say another thing under a number that was used.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/core/queue_env.h"

namespace cromt {

class QueueWorld {
 public:
  static constexpr int kSteps = 250;  // in which new work comes

  explicit QueueWorld(uint64_t seed) : random_(seed) { meshes_["m"], meshes_["n"]; }

  // Called before the records of a decision are in the journal, after each of them, and with all of them there but no
  // effect carried out: a crash may strike at each of these.
  std::function<void(const QueueWorld&)> on_journal = [](const QueueWorld&) {};

  static QueueLimits Limits() { return {.slots = 2, .attempts = 1000, .kept_jobs = 3}; }
  void Reseed(uint64_t seed) { random_.seed(seed); }
  const std::vector<JournalRecord>& journal() const { return journal_; }
  const std::set<Ticket>& ever_started() const { return ever_started_; }
  Now now() const { return now_; }
  queue_event::LauncherUp Launcher() const {
    queue_event::LauncherUp up{.incarnation = fmt::format("launcher{}", incarnation_)};
    for (Ticket ticket : running_) up.known.push_back({ticket, true});
    for (const auto& [ticket, result] : results_) up.known.push_back({ticket, false});
    return up;
  }

  // The agent's process comes up; what was on its way to it or from it is lost.
  void Boot(AgentQueue& queue) {
    to_launcher_.clear();
    to_agent_.clear();
    Take(queue, queue.Restore(journal_, now_));
    GreetLauncher(queue);
    for (auto& [name, mesh] : meshes_) BeginSession(queue, name, mesh);
  }

  // One thing happens. False once nothing is left to do.
  bool Step(AgentQueue& queue) {
    ++steps_;
    now_.mono += milliseconds(Below(100));
    now_.wall += milliseconds(Below(100));
    if (queue.NextDeadline() && *queue.NextDeadline() <= now_.mono) Apply(queue, queue_event::Tick{});
    if (steps_ <= kSteps && Below(4) == 0) return OfferWork(queue), true;
    switch (Below(8)) {
      case 0:
      case 1:
        if (!to_launcher_.empty()) LauncherHears();
        break;
      case 2: EndProcess(); break;
      case 3:
      case 4:
        if (!to_agent_.empty()) {
          QueueEvent event = std::move(to_agent_.front());
          to_agent_.pop_front();
          Apply(queue, event);
        }
        break;
      case 5: ReadReports(queue); break;
      case 6: Acknowledge(queue); break;
      default: MishapOrExtension(queue);
    }
    return steps_ <= kSteps || !Settled(queue);
  }

  // Every lease that arrived has ended once, every acknowledged job as well.
  void ExpectAllEnded(const AgentQueue& queue) const {
    for (const auto& [name, mesh] : meshes_) EXPECT_THAT(mesh.open, testing::IsEmpty()) << "mesh " << name;
    for (const QueuedAttempt* job : queue.Jobs()) EXPECT_EQ(job->phase, QueuedAttempt::Phase::kEnded);
    EXPECT_EQ(queue.attempts(), queue.Jobs().size()) << "something was not forgotten";
    EXPECT_LE(queue.Jobs().size(), Limits().kept_jobs);
    EXPECT_TRUE(queue.idle());
  }

 private:
  struct Mesh {
    int leases = 0;
    std::set<AttemptId> open;   // offered, no end heard
    std::set<AttemptId> ended;  // its end was heard
    std::vector<std::string> received;
    uint64_t acked = 0;
  };

  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }

  // ---- Work -------------------------------------------------------------------------------------

  std::shared_ptr<const TaskSpec> RandomSpec() {
    TaskSpec spec{.name = "x", .project = "x", .work = Command{{"x"}}};
    if (Below(3) == 0) spec.source.tree = {"d1", 5};
    return std::make_shared<TaskSpec>(std::move(spec));
  }

  void OfferWork(AgentQueue& queue) {
    if (Below(4) == 0) {
      std::string job = fmt::format("job{}", steps_);
      return Apply(queue, queue_event::JobSubmitted{RunId(job), RequestId("q" + job), RandomSpec()});
    }
    auto& [name, mesh] = *std::next(meshes_.begin(), Below(2));
    if (!mesh.open.empty() && Below(5) == 0)
      return Apply(queue, queue_event::StopWanted{
                              MeshId(name), *std::next(mesh.open.begin(), Below(static_cast<int>(mesh.open.size())))});
    AttemptId id{RunId("r"), static_cast<TaskIndex>(mesh.leases++), 1};
    mesh.open.insert(id);
    if (Below(8) == 0) {
      unread_.insert({name, id});
      return Apply(queue, queue_event::LeaseOffered{MeshId(name), {.id = id, .wrong = "spec: is missing"}});
    }
    Apply(queue, queue_event::LeaseOffered{MeshId(name), {id, RandomSpec(), "host"}});
  }

  void BeginSession(AgentQueue& queue, const std::string& name, Mesh& mesh) {
    Apply(queue, queue_event::SessionBegan{MeshId(name), 1, 0});
    Apply(queue, queue_event::LeasesExtended{MeshId(name), now_.mono + kLeaseTime});
    std::set<AttemptId> known;
    for (const InventoryItem& item : queue.Inventory(MeshId(name))) known.insert(item.id);
    for (const AttemptId& id : known)
      EXPECT_TRUE(mesh.open.contains(id) || mesh.ended.contains(id)) << ToString(id) << " was never offered";
    // What it does not know never arrived, and so must never have begun; its coordinator offers it under a new number.
    std::erase_if(mesh.open, [&](const AttemptId& id) {
      if (known.contains(id)) return false;
      EXPECT_FALSE(started_ids_.contains({name, id})) << ToString(id) << " has run and is unknown";
      return true;
    });
  }

  void ReadReports(AgentQueue& queue) {
    auto& [name, mesh] = *std::next(meshes_.begin(), Below(2));
    // From the last acknowledged one, as after a reconnection, or from the last one read.
    uint64_t from = Below(3) == 0 ? queue.AckedSequence(MeshId(name)) : mesh.received.size();
    for (const Report& report : queue.ReportsAfter(MeshId(name), from, 1 + static_cast<size_t>(Below(5)))) {
      std::string text = ReportText(report);
      if (report.sequence <= mesh.received.size()) {
        EXPECT_EQ(text, mesh.received[report.sequence - 1]) << "another thing under the same number";
        continue;
      }
      ASSERT_EQ(report.sequence, mesh.received.size() + 1) << "a gap";
      mesh.received.push_back(text);
      if (!std::holds_alternative<AttemptResult>(report.fact)) continue;
      EXPECT_TRUE(mesh.ended.insert(report.id).second) << text << ": a second end";
      EXPECT_EQ(mesh.open.erase(report.id), 1u) << text << ": never offered";
    }
  }

  void Acknowledge(AgentQueue& queue) {
    auto& [name, mesh] = *std::next(meshes_.begin(), Below(2));
    if (mesh.received.size() > mesh.acked) mesh.acked += 1 + random_() % (mesh.received.size() - mesh.acked);
    Apply(queue, queue_event::ReportsAcked{MeshId(name), mesh.acked, mesh.acked});
    if (Below(2) == 0) Apply(queue, queue_event::LogsStored{MeshId(name), log_end_});
  }

  void MishapOrExtension(AgentQueue& queue) {
    int what = Below(12);
    if (what == 0 && steps_ <= kSteps) return KillLauncher(queue);
    if (what == 1) return BeginSession(queue, "m", meshes_["m"]);
    if (what == 2 && steps_ <= kSteps) {
      now_.mono += kLeaseTime;  // a coordinator is silent for long
      return;
    }
    const char* name = Below(2) ? "m" : "n";
    Apply(queue, queue_event::LeasesExtended{MeshId(name), now_.mono + kLeaseTime});
  }

  bool Settled(const AgentQueue& queue) const {
    for (const auto& [name, mesh] : meshes_)
      if (!mesh.open.empty()) return false;
    return queue.idle() && to_launcher_.empty() && to_agent_.empty() && queue.attempts() == queue.Jobs().size();
  }

  // ---- Launcher and preparer --------------------------------------------------------------------

  void GreetLauncher(AgentQueue& queue) {
    auto up = Launcher();
    Apply(queue, up);
    for (const auto& known : up.known) {
      if (known.running)
        to_agent_.push_back(queue_event::LauncherStarted{known.ticket, started_at_.at(known.ticket), known.ticket});
      else
        to_agent_.push_back(EndOf(known.ticket));
    }
  }

  void KillLauncher(AgentQueue& queue) {
    ++incarnation_;
    running_.clear();
    results_.clear();
    to_launcher_.clear();
    std::erase_if(to_agent_, [](const QueueEvent& event) {
      return std::holds_alternative<queue_event::LauncherStarted>(event) ||
             std::holds_alternative<queue_event::LauncherEnded>(event);
    });
    Apply(queue, queue_event::LauncherDown{"it died"});
    GreetLauncher(queue);
  }

  void LauncherHears() {
    QueueEffect effect = std::move(to_launcher_.front());
    to_launcher_.pop_front();
    if (const auto* launch = std::get_if<queue_effect::Launch>(&effect)) {
      if (running_.contains(launch->ticket) || results_.contains(launch->ticket)) return;
      EXPECT_TRUE(ever_started_.insert(launch->ticket).second) << launch->ticket << " is started a second time";
      EXPECT_LT(running_.size(), Limits().slots) << "more processes than slots";
      started_ids_.insert(accepted_.at(launch->ticket));
      EXPECT_FALSE(unread_.contains(accepted_.at(launch->ticket)))
          << launch->ticket << " is started and was never read";
      running_.insert(launch->ticket);
      started_at_[launch->ticket] = now_.wall;
      to_agent_.push_back(queue_event::LauncherStarted{launch->ticket, now_.wall, launch->ticket});
    } else if (const auto* stop = std::get_if<queue_effect::StopProcess>(&effect)) {
      if (running_.contains(stop->ticket)) End(stop->ticket, AttemptResult::Kind::kStopped);
    } else if (const auto* forget = std::get_if<queue_effect::ForgetResult>(&effect)) {
      results_.erase(forget->ticket);
    }
  }

  void EndProcess() {
    if (!running_.empty())
      End(*std::next(running_.begin(), Below(static_cast<int>(running_.size()))), AttemptResult::Kind::kExited);
  }

  void End(Ticket ticket, AttemptResult::Kind kind) {
    running_.erase(ticket);
    AttemptResult result;
    result.kind = kind;
    result.status = Exited{Below(3)};
    result.log_bytes = Below(2);
    log_end_ = std::max<uint64_t>(log_end_, ticket + 1);
    results_[ticket] = result;
    to_agent_.push_back(EndOf(ticket));
  }

  QueueEvent EndOf(Ticket ticket) const {
    return queue_event::LauncherEnded{ticket, results_.at(ticket), ticket, ticket + 1, ticket % 2 == 0};
  }

  // ---- The engine -------------------------------------------------------------------------------

  void Apply(AgentQueue& queue, const QueueEvent& event) { Take(queue, queue.Apply(event, now_)); }

  void Take(AgentQueue& queue, QueueDecision decision) {
    EXPECT_EQ(queue.Check(), "");
    if (!decision.records.empty()) on_journal(*this);
    for (JournalRecord& record : decision.records) {
      if (const auto* accepted = std::get_if<journal::Accepted>(&record))
        accepted_[accepted->ticket] = {accepted->mesh.text(), accepted->id};
      journal_.push_back(std::move(record));
      on_journal(*this);
    }
    for (QueueEffect& effect : decision.effects) {
      if (const auto* prepare = std::get_if<queue_effect::Prepare>(&effect)) {
        if (Below(6) == 0)
          to_agent_.push_back(queue_event::PrepareFailed{prepare->ticket, "no space left"});
        else
          to_agent_.push_back(queue_event::Prepared{prepare->ticket});
      } else if (const auto* clean = std::get_if<queue_effect::CleanSlot>(&effect)) {
        to_agent_.push_back(queue_event::SlotCleaned{clean->slot});
      } else if (!std::holds_alternative<queue_effect::SubmitReply>(effect)) {
        to_launcher_.push_back(std::move(effect));
      }
    }
  }

  std::mt19937_64 random_;
  int steps_ = 0;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  std::vector<JournalRecord> journal_;
  std::map<std::string, Mesh> meshes_;
  int incarnation_ = 1;
  std::set<Ticket> running_;
  std::map<Ticket, AttemptResult> results_;
  std::map<Ticket, Wall> started_at_;
  std::set<Ticket> ever_started_;
  std::set<std::pair<std::string, AttemptId>> started_ids_;
  std::set<std::pair<std::string, AttemptId>> unread_;  // leases of which only the id could be read
  std::map<Ticket, std::pair<std::string, AttemptId>> accepted_;
  uint64_t log_end_ = 0;
  std::deque<QueueEffect> to_launcher_;
  std::deque<QueueEvent> to_agent_;
};

}  // namespace cromt
