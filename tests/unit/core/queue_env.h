// An agent's queue, its journal and its launcher as a test tells of them. Each step says to the queue what happened;
// Effects() and Records() then give, as text, exactly what the queue made of it:
//
//   env.Session("m");
//   env.Lease("m", "r1/1/1");
//   EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 0"));
//
// After each step all invariants are checked. Attempts have the tickets 1, 2, … in the order in which they came.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/lease.h"
#include "core/queue.h"

namespace cromt {

inline AttemptId ParseAttempt(const std::string& text) {
  size_t task = text.find('/'), attempt = text.rfind('/');
  return {RunId(text.substr(0, task)), static_cast<TaskIndex>(std::stoul(text.substr(task + 1)) - 1),
          static_cast<uint32_t>(std::stoul(text.substr(attempt + 1)))};
}

inline std::string ReportText(const Report& report) {
  std::string text = fmt::format("{}: {} ", report.sequence, ToString(report.id));
  const auto* result = std::get_if<AttemptResult>(&report.fact);
  if (!result) return text + "started";
  text += ToString(result->kind);
  if (result->status) text += fmt::format(" {}", ShellCode(*result->status));
  if (!result->reason.empty()) text += ": " + result->reason;
  return result->returned ? text + " (returned)" : text;
}

class QueueEnv {
 public:
  explicit QueueEnv(QueueLimits limits = {.slots = 2}) : limits_(limits) { Restart("boot1"); }

  // ---- What happens -----------------------------------------------------------------------------

  // A session that extends the leases of the mesh by kLeaseTime from now.
  void Session(const std::string& mesh, uint64_t epoch = 1, uint64_t commit = 0) {
    Apply(queue_event::SessionBegan{MeshId(mesh), epoch, commit});
    Extend(mesh);
  }
  void Extend(const std::string& mesh) { Apply(queue_event::LeasesExtended{MeshId(mesh), now_.mono + kLeaseTime}); }
  void Lease(const std::string& mesh, const std::string& attempt, bool with_files = false) {
    Apply(queue_event::LeaseOffered{MeshId(mesh), {ParseAttempt(attempt), Spec(with_files), "host"}});
  }
  void LeaseSpec(const std::string& mesh, const std::string& attempt, TaskSpec spec, LeaseInputs inputs = nullptr,
                 SecretValues secrets = nullptr) {
    if (spec.name.empty()) spec.name = spec.project = "x";
    Apply(queue_event::LeaseOffered{MeshId(mesh),
                                    {ParseAttempt(attempt), std::make_shared<TaskSpec>(std::move(spec)), "host",
                                     std::move(inputs), std::move(secrets)}});
  }
  // One of which only the id could be read.
  void LeaseUnread(const std::string& mesh, const std::string& attempt, const std::string& wrong) {
    Apply(queue_event::LeaseOffered{MeshId(mesh), {.id = ParseAttempt(attempt), .wrong = wrong}});
  }
  void Submit(const std::string& job, const std::string& request = "", bool with_files = false) {
    Apply(queue_event::JobSubmitted{RunId(job), RequestId(request.empty() ? "q-" + job : request), Spec(with_files)});
  }
  void Stop(const std::string& mesh, const std::string& attempt) {
    Apply(queue_event::StopWanted{MeshId(mesh), ParseAttempt(attempt)});
  }
  void Ack(const std::string& mesh, uint64_t sequence, uint64_t commit = 0) {
    Apply(queue_event::ReportsAcked{MeshId(mesh), sequence, commit});
  }
  void LogsStored(const std::string& mesh, uint64_t position) {
    Apply(queue_event::LogsStored{MeshId(mesh), position});
  }
  void LauncherUp(const std::string& incarnation, std::vector<queue_event::LauncherUp::Known> known = {}) {
    Apply(queue_event::LauncherUp{incarnation, std::move(known)});
  }
  void Begins(Ticket ticket, uint64_t log_begin = 0) {
    Apply(queue_event::LauncherStarted{ticket, now_.wall, log_begin});
  }
  void Ends(Ticket ticket, int code = 0, bool clean = true) {
    AttemptResult result;
    result.kind = AttemptResult::Kind::kExited;
    result.status = Exited{code};
    EndsAs(ticket, result, 0, 0, clean);
  }
  void EndsAs(Ticket ticket, const AttemptResult& result, uint64_t log_begin = 0, uint64_t log_end = 0,
              bool clean = true) {
    Apply(queue_event::LauncherEnded{ticket, result, log_begin, log_end, clean});
  }
  // The engine does what it must: it ticks when the queue asks for it.
  void Pass(Duration time) {
    Mono end = now_.mono + time;
    while (queue_->NextDeadline() && *queue_->NextDeadline() <= end) {
      auto due = *queue_->NextDeadline();
      now_.mono = std::max(now_.mono, due);
      Apply(queue_event::Tick{});
      ASSERT_NE(queue_->NextDeadline(), due) << "the same deadline again: the owner would spin";
    }
    now_.mono = end;
  }
  // Time goes on and nobody ticks.
  void PassUnnoticed(Duration time) { now_.mono += time; }
  void Apply(const QueueEvent& event) { Take(queue_->Apply(event, now_)); }

  // The agent's process dies and comes up again from its journal.
  void Restart(const std::string& boot = "boot1", const OutputsInLog& outputs = {}) {
    queue_ = std::make_unique<AgentQueue>(limits_, boot, JournalId(fmt::format("journal{}", ++starts_)));
    Forget();
    Take(queue_->Restore(journal_, now_, outputs));
  }
  // The journal is written anew, and the agent restarted from that.
  void Compact() {
    journal_ = queue_->Snapshot();
    Restart();
  }
  void SetLimits(QueueLimits limits) { limits_ = limits; }

  // ---- What came of it --------------------------------------------------------------------------

  std::vector<std::string> Effects() { return std::exchange(effects_, {}); }
  std::vector<std::string> Records() { return std::exchange(records_, {}); }
  std::vector<std::string> Effects(const std::string& word) {
    std::vector<std::string> all = Effects();
    std::erase_if(all, [&](const std::string& text) { return !text.starts_with(word + " "); });
    return all;
  }
  void Forget() { effects_.clear(), records_.clear(); }

  // All that is not acknowledged.
  std::vector<std::string> Reports(const std::string& mesh) const {
    std::vector<std::string> texts;
    for (const Report& report : queue_->ReportsAfter(MeshId(mesh), 0, 1000)) texts.push_back(ReportText(report));
    return texts;
  }
  std::vector<std::string> Inventory(const std::string& mesh) const {
    constexpr std::array<const char*, 3> kWords = {"leased", "running", "ended"};
    std::vector<std::string> texts;
    for (const InventoryItem& item : queue_->Inventory(MeshId(mesh)))
      texts.push_back(fmt::format("{} {}", ToString(item.id), kWords.at(static_cast<size_t>(item.phase))));
    return texts;
  }
  AgentQueue& queue() { return *queue_; }
  Now now() const { return now_; }

 private:
  static std::shared_ptr<const TaskSpec> Spec(bool with_files) {
    TaskSpec spec{.name = "x", .project = "x", .work = Command{{"x"}}};
    if (with_files) spec.source.tree = {"d1", 5};
    return std::make_shared<TaskSpec>(std::move(spec));
  }

  void Take(QueueDecision decision) {
    for (const JournalRecord& record : decision.records) {
      journal_.push_back(record);
      records_.push_back(std::visit([](const auto& r) { return Text(r); }, record));
    }
    for (const QueueEffect& effect : decision.effects)
      effects_.push_back(std::visit([](const auto& e) { return Text(e); }, effect));
    EXPECT_EQ(queue_->Check(), "");
  }

  static std::string Text(const journal::Opened& r) { return fmt::format("opened {} in {}", r.journal.text(), r.boot); }
  static std::string Text(const journal::MeshSeen& r) {
    return fmt::format("mesh {} at {}/{}", r.mesh.text(), r.epoch, r.commit);
  }
  static std::string Text(const journal::Accepted& r) {
    return fmt::format("accepted {} as {}", ToString(r.id), r.ticket);
  }
  static std::string Text(const journal::Launching& r) {
    return fmt::format("launching {} in {} by {}", r.ticket, r.slot, r.incarnation);
  }
  static std::string Text(const journal::Started& r) { return fmt::format("started {} #{}", r.ticket, r.sequence); }
  static std::string Text(const journal::StopAsked& r) { return fmt::format("stop asked {}", r.ticket); }
  static std::string Text(const journal::Ended& r) {
    return fmt::format("ended {} #{} {}", r.ticket, r.sequence, ToString(r.result.kind));
  }
  static std::string Text(const journal::Acked& r) { return fmt::format("acked {} {}", r.mesh.text(), r.sequence); }
  static std::string Text(const journal::Stored& r) { return fmt::format("stored {} {}", r.mesh.text(), r.position); }
  static std::string Text(const journal::Forgotten& r) { return fmt::format("forgotten {}", r.ticket); }

  static std::string Text(const queue_effect::Prepare& e) { return fmt::format("prepare {} in {}", e.ticket, e.slot); }
  static std::string Text(const queue_effect::StopPreparing& e) { return fmt::format("unprepare {}", e.ticket); }
  static std::string Text(const queue_effect::Launch& e) { return fmt::format("launch {} in {}", e.ticket, e.slot); }
  static std::string Text(const queue_effect::StopProcess& e) { return fmt::format("stop {}", e.ticket); }
  static std::string Text(const queue_effect::Publish& e) { return fmt::format("publish {} of {}", e.ticket, e.slot); }
  static std::string Text(const queue_effect::ForgetResult& e) { return fmt::format("drop {}", e.ticket); }
  static std::string Text(const queue_effect::CleanSlot& e) { return fmt::format("clean {}", e.slot); }
  static std::string Text(const queue_effect::ReportsReady& e) { return fmt::format("reports {}", e.mesh.text()); }
  static std::string Text(const queue_effect::JobChanged& e) { return fmt::format("changed {}", e.ticket); }
  static std::string Text(const queue_effect::SubmitReply& e) {
    return "reply " + (e.result ? e.result->text() : "refused: " + e.result.error().message);
  }

  QueueLimits limits_;
  std::unique_ptr<AgentQueue> queue_;
  std::vector<JournalRecord> journal_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  int starts_ = 0;
  std::vector<std::string> effects_, records_;
};

}  // namespace cromt
