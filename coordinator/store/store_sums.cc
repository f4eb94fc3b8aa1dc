#include "coordinator/store/store_sums.h"

#include "coordinator/store/row_sum.h"

namespace cromt {

StoreSums::Run& StoreSums::Add(const RunId& id, int64_t n) {
  Run& run = runs_[id];
  run.n = n;
  return run;
}

StoreSums::Run* StoreSums::Find(const RunId& id) {
  auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : &found->second;
}

void StoreSums::Finish(const RunId& id) {
  auto found = runs_.find(id);
  if (found == runs_.end()) return;
  totals_.runs -= found->second.total;
  runs_.erase(found);
}

void StoreSums::Added(Run& run, uint32_t sum) {
  run.total += Part(sum);
  totals_.runs += Part(sum);
}

void StoreSums::Replaced(Run& run, uint32_t& slot, uint32_t sum) {
  const uint64_t before = run.total;
  Replace(run.total, slot, sum);
  totals_.runs += run.total - before;
}

void StoreSums::TaskReplaced(Run& run, TaskIndex task, uint32_t sum) {
  if (run.tasks.size() <= task) run.tasks.resize(task + 1);
  Replaced(run, run.tasks[task], sum);
}

void StoreSums::LaneFreed(const AttemptId& attempt) {
  auto found = lanes_.find(attempt);
  if (found == lanes_.end()) return;
  totals_.agents -= Part(found->second);
  lanes_.erase(found);
}

void StoreSums::KeptReplaced(uint64_t total) {
  totals_.agents += total - kept_;
  kept_ = total;
}

void StoreSums::FileAdded(uint32_t sum) {
  totals_.files += Part(sum);
}

void StoreSums::FileReplaced(const std::string& file, uint64_t total) {
  uint64_t& before = files_[file];
  totals_.files += total - before;
  before = total;
}

void StoreSums::FileRow(const std::string& file, uint32_t sum) {
  FileReplaced(file, files_[file] + Part(sum));
}

void StoreSums::Drop(uint64_t& total, std::map<std::string, uint32_t>& sums, const std::string& key) {
  auto found = sums.find(key);
  if (found == sums.end()) return;
  total -= Part(found->second);
  sums.erase(found);
}

void StoreSums::Replace(uint64_t& total, uint32_t& slot, uint32_t sum) {
  if (slot != 0) total -= Part(slot);
  total += Part(sum);
  slot = sum;
}

}  // namespace cromt
