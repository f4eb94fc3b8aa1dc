// Recording, and what is checked while it happens; order_check.cc and final_check.cc have the rest.
#include "tests/sim/ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/lease.h"

namespace cromt::sim {

void Ledger::Violation(const std::string& what) {
  timeline_.Note("VIOLATION: " + what);
  constexpr size_t kEnough = 20;
  if (violations_.size() < kEnough) violations_.push_back(what);
}

void Ledger::Offered(const RunId& run, const RequestId& request, std::shared_ptr<const Plan> plan,
                     TakenOver taken_over) {
  wishes_[run] = {request, std::move(plan), 0, {}, std::move(taken_over)};
}

void Ledger::StartAcknowledged(const RequestId& request, const RunId& run) {
  acknowledged_since_.insert(request);
  auto [known, is_new] = acknowledged_.emplace(request, run);
  if (!is_new && known->second != run)
    Violation(fmt::format("invariant 1: request {} was answered with run {} and then with {}", request.text(),
                          known->second.text(), run.text()));
  auto wish = wishes_.find(run);
  if (wish == wishes_.end() || wish->second.request != request)
    Violation(fmt::format("invariant 1: request {} was answered with the foreign run {}", request.text(), run.text()));
}

void Ledger::RunCancelAcknowledged(const RunId& run) {
  canceled_.insert(run);
  canceled_since_.insert(run);
}

void Ledger::CancelOffered(const RunId& run, std::optional<TaskIndex> task) {
  Wish& wish = wishes_.at(run);
  if (task)
    wish.task_cancels.insert(*task);
  else
    ++wish.cancels_offered;
}

std::shared_ptr<const Plan> Ledger::PlanOf(const RunId& run) const {
  auto wish = wishes_.find(run);
  return wish == wishes_.end() ? nullptr : wish->second.plan;
}

size_t Ledger::ProcessStarted(const AttemptId& id, size_t host) {
  timeline_.Note(fmt::format("process of {} starts on host {}", ToString(id), host));
  size_t process = processes_.size();
  processes_.push_back({id, host, std::nullopt});
  if (on_process_) on_process_(id);
  if (jobs_.contains(id.run)) {
    auto& earlier = by_task_[{id.run, id.task}];
    if (!earlier.empty() && !MayBeForgotten(processes_[earlier.back()]))
      Violation("invariant 2: job " + id.run.text() + " was started twice");
    earlier.push_back(process);
    return process;
  }
  auto wish = wishes_.find(id.run);
  if (wish == wishes_.end() || id.task >= wish->second.plan->tasks.size()) {
    Violation("a process was started for " + ToString(id) + ", which nobody wished");
    return process;
  }
  auto& earlier = by_task_[{id.run, id.task}];
  if (IsShaken(id.run) || leased_by_second_.contains({id.run, id.task})) {
    const TaskStatus* status = InCopy(id.run, id.task);
    if (status && status->state == TaskState::kFinished)
      Violation(fmt::format("invariant 2: {} was started though its task had ended before the store was copied",
                            ToString(id)));
    earlier.push_back(process);
    runs_with_processes_.insert(id.run);
    return process;
  }
  if (std::string why = WhyNoOther(wish->second, id, earlier); !why.empty())
    Violation(fmt::format("invariant 2: {} was started though {}", ToString(id), why));
  earlier.push_back(process);
  runs_with_processes_.insert(id.run);
  CheckOrder(wish->second, id);
  CheckGroups(wish->second, id);
  return process;
}

bool Ledger::HasStarted(const AttemptId& id) const {
  auto found = by_task_.find({id.run, id.task});
  return found != by_task_.end() &&
         std::ranges::any_of(found->second, [&](size_t process) { return processes_[process].id == id; });
}

const ProcessRecord* Ledger::LastProcess(const RunId& run, TaskIndex task) const {
  const auto found = by_task_.find({run, task});
  return found == by_task_.end() ? nullptr : &processes_[found->second.back()];
}

std::string Ledger::WhyNoOther(const Wish& wish, const AttemptId& id, const std::vector<size_t>& earlier) const {
  if (earlier.empty()) return "";
  const TaskSpec& spec = wish.plan->spec(id.task);
  const ProcessRecord& last = processes_[earlier.back()];
  if (MayBeForgotten(last)) return "";
  if (last.id.attempt >= id.attempt) return ToString(last.id) + " had been";
  uint32_t most = spec.retry.retries;
  if (spec.silence.retry_lost) most += kLostRetries;
  if (earlier.size() > most) return fmt::format("it had been {} times", earlier.size());
  const bool may_be_lost = spec.silence.retry_lost && MayBeLost(wish, id.task, last.host);
  if (may_be_lost) return "";
  if (!last.result) return ToString(last.id) + " is running";
  const TaskOutcome truth = Meaning(spec.exit_policy, *last.result);
  if (truth == TaskOutcome::kFailed || truth == TaskOutcome::kTimedOut) return "";
  return fmt::format("{} is {}", ToString(last.id), ToString(truth));
}

bool Ledger::MayBeForgotten(const ProcessRecord& process) const {
  const auto cut = cut_.find(process.host);
  return cut != cut_.end() && static_cast<size_t>(&process - processes_.data()) < cut->second;
}

bool Ledger::MayBeLost(const Wish& wish, TaskIndex task, size_t host) const {
  constexpr Duration kLongTrouble = std::chrono::minutes(30);
  return may_lose_.contains(host) || (troubled_.contains(host) && wish.plan->spec(task).silence.lost < kLongTrouble);
}

void Ledger::ProcessEnded(size_t process, AttemptResult result) {
  ProcessRecord& record = processes_[process];
  timeline_.Note(fmt::format("process of {} ends: {} {}", ToString(record.id), ToString(result.kind),
                             result.status ? ShellCode(*result.status) : -1));
  record.result = std::move(result);
  auto wish = wishes_.find(record.id.run);
  if (wish == wishes_.end()) return;
  const Plan& plan = *wish->second.plan;
  for (uint32_t g : plan.tasks[record.id.task].groups) --running_in_group_[GroupKey(record.id.run, plan.groups[g])];
}

// ---- A store that goes back -------------------------------------------------------------------

void Ledger::StoreCopied(const std::vector<RunView>& runs) {
  for (const RunView& run : runs) copy_.emplace(run.header.id, run);
  acknowledged_since_.clear();
  canceled_since_.clear();
}

void Ledger::StoreWentBack() {
  went_back_ = true;
  before_back_ = processes_.size();
  leased_before_back_ = leased_;
  for (const auto& [run, wish] : wishes_)
    if (auto copied = copy_.find(run); copied == copy_.end() || copied->second.status.state != RunState::kFinished)
      shaken_.insert(run);
  for (const RequestId& request : acknowledged_since_) acknowledged_.erase(request);
  for (const RunId& run : canceled_since_) canceled_.erase(run);
}

void Ledger::StoreRecovered() {
  went_back_ = recovered_ = true;
  Shake();
}

void Ledger::AgentForgets() {
  if (went_back_ && !recovered_) before_back_ = processes_.size();
}

void Ledger::ProofIsLost() {
  if (!went_back_) Shake();
}

void Ledger::Shake() {
  before_back_ = processes_.size();
  for (const auto& [run, copied] : copy_)
    if (copied.status.state != RunState::kFinished) shaken_.insert(run);
}

void Ledger::SecondIsHeard() {
  second_is_heard_ = true;
  for (const auto& [address, host] : hosts_) {
    HostWasTroubled(host);
    HostWasAway(host);
  }
}

const TaskStatus* Ledger::InCopy(const RunId& run, TaskIndex task) const {
  auto copied = copy_.find(run);
  return copied == copy_.end() ? nullptr : &copied->second.tasks.at(task).status;
}

// ---- 5: groups --------------------------------------------------------------------------------

std::string Ledger::GroupKey(const RunId& run, const PlannedGroup& group) const {
  return group.mesh_wide ? group.name : run.text() + "/" + group.name;
}

// How many processes of this group still run though their tasks may be called lost: for its own run that is their end.
uint32_t Ledger::MayBeLostIn(const Wish& wish, const RunId& run, uint32_t group) const {
  return static_cast<uint32_t>(std::ranges::count_if(processes_, [&](const ProcessRecord& process) {
    if (process.id.run != run || process.result || !MayBeLost(wish, process.id.task, process.host)) return false;
    return std::ranges::count(wish.plan->tasks[process.id.task].groups, group) > 0;
  }));
}

void Ledger::CheckGroups(const Wish& wish, const AttemptId& id) {
  if (went_back_ || second_is_heard_) return;  // what is kept is in no line, nor what the other has leased
  for (uint32_t g : wish.plan->tasks[id.task].groups) {
    const PlannedGroup& group = wish.plan->groups[g];
    uint32_t running = ++running_in_group_[GroupKey(id.run, group)];
    if (running > group.depth && !group.mesh_wide) running -= MayBeLostIn(wish, id.run, g);
    if (running > group.depth)
      Violation(fmt::format("invariant 5: {} is number {} in {}, whose depth is {}", ToString(id), running, group.name,
                            group.depth));
  }
}

}  // namespace cromt::sim
