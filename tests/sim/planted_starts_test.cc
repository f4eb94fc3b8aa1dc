// As planted_bugs_test.cc, for what starts by itself.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/simulate.h"

namespace cromt::sim {
namespace {

constexpr uint64_t kSeeds = 40;

// Passes on what the filter leaves of each commit.
class FilteredStore final : public Store {
 public:
  using Filter = std::function<void(std::vector<Record>& records)>;
  FilteredStore(std::unique_ptr<Store> real, Filter filter) : real_(std::move(real)), filter_(std::move(filter)) {}
  Result<StoredState> Load() override { return real_->Load(); }
  Result<uint64_t> Commit(std::span<const Record> records) override {
    std::vector<Record> left(records.begin(), records.end());
    filter_(left);
    return real_->Commit(left);
  }
  Result<RunId> FindRequest(const RequestId& request) override { return real_->FindRequest(request); }

 private:
  std::unique_ptr<Store> real_;
  const Filter filter_;
};

bool Finds(FilteredStore::Filter filter, const std::string& kind) {
  SimOptions options;
  options.bugs.store = [&](std::unique_ptr<Store> real) {
    return std::make_unique<FilteredStore>(std::move(real), filter);
  };
  for (options.seed = 1; options.seed <= kSeeds; ++options.seed)
    for (const std::string& violation : Simulate(options).violations)
      if (violation.find(kind) != std::string::npos) return true;
  return false;
}

template <class T>
bool Is(const Record& record) {
  return std::holds_alternative<T>(record);
}

TEST(PlantedStarts, AStoreThatForgetsHowFarSchedulesHaveCome) {
  EXPECT_TRUE(Finds(
      [](std::vector<Record>& records) {
        if (std::any_of(records.begin(), records.end(), Is<FileApplied>)) return;  // those that a file makes are there
        std::erase_if(records, Is<ScheduleSet>);
      },
      "a tick of tick"));
}

TEST(PlantedStarts, AStoreThatForgetsWhichCommitHasStartedItsRun) {
  EXPECT_TRUE(Finds(
      [](std::vector<Record>& records) {
        if (std::any_of(records.begin(), records.end(), Is<TickSettled>)) std::erase_if(records, Is<TriggerSet>);
      },
      "has started two runs of push"));
}

TEST(PlantedStarts, ALedgerWithoutALine) {
  EXPECT_TRUE(Finds([](std::vector<Record>& records) { std::erase_if(records, Is<TickSettled>); }, " has 0 lines"));
}

TEST(PlantedStarts, ALineThatTellsOfMoreTicksThanThereWere) {
  EXPECT_TRUE(Finds(
      [](std::vector<Record>& records) {
        for (Record& record : records)
          if (auto* line = std::get_if<TickSettled>(&record)) ++line->count;
      },
      "invariant 6: a line of tick1 tells of"));
}

TEST(PlantedStarts, ALedgerThatTellsOfRunsThatNeverWere) {
  EXPECT_TRUE(Finds(
      [](std::vector<Record>& records) {
        for (Record& record : records)
          if (auto* line = std::get_if<TickSettled>(&record); line && !line->run.empty())
            line->run = RunId("nosuchrun");
      },
      "lines"));
}

}  // namespace
}  // namespace cromt::sim
