// Goal: whichever call of the disk fails, a journal holds all that it must and nothing that was not written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_journal/records.h"
#include "tests/unit/sweep/sweep.h"

namespace cromt {
namespace {

using sim::Case;
using sim::SimDisk;
using sim::Sweep;
using Lines = std::vector<std::string>;

constexpr uint64_t kReserve = 100'000;

// What was written, and what of it must be there whatever happens.
struct Told {
  Lines written;
  std::vector<Lines> maybe;  // it may hold this instead: what failed may be there
  size_t durable = 0;        // so many of `written` outlive the machine
};

bool IsPrefix(const Lines& part, const Lines& of) {
  return part.size() <= of.size() && std::equal(part.begin(), part.end(), of.begin());
}

class Worker {
 public:
  Worker(SimDisk& disk, Told& told) : disk_(disk), told_(told) {}

  void Work() {
    auto opened = Journal::Open("d/agent", {.boot = "b1", .files = &disk_, .reserve_bytes = kReserve});
    if (opened) Write(*opened->journal);
    disk_.Freeze();  // the process dies
  }

 private:
  bool Append(Journal& journal, const std::vector<JournalRecord>& records) {
    Lines after = told_.written;
    for (const std::string& line : Text(records)) after.push_back(line);
    if (!journal.Append(records)) return told_.maybe.push_back(after), false;
    told_.written = std::move(after);
    return true;
  }
  bool Sync(Journal& journal) {
    if (!journal.Sync()) return false;
    told_.durable = told_.written.size();
    return true;
  }
  bool Rewrite(Journal& journal, const std::vector<JournalRecord>& snapshot) {
    const Lines after = Text(snapshot);
    if (!journal.Rewrite(snapshot)) return told_.maybe.push_back(after), false;
    told_.written = after;
    told_.durable = after.size();
    return true;
  }
  void Write(Journal& journal) {
    const auto spec = SpecOf(std::string(5000, 'x'));
    if (!Append(journal, {journal::Opened{JournalId("j"), "b1", 1}})) return;
    told_.durable = 1;
    if (!journal.KeepReserve() || !Append(journal, {Accepted(1, spec), Accepted(2, SpecOf("a"))})) return;
    if (!Append(journal, {Forgotten(1)}) || !Sync(journal) || !Append(journal, {Accepted(3, spec)})) return;
    if (!Rewrite(journal, {journal::Opened{JournalId("j"), "b1", 3}, Accepted(2, spec)})) return;
    (void)(Append(journal, {Forgotten(2), Accepted(4, spec)}) && Sync(journal) && Append(journal, {Forgotten(4)}));
  }

  SimDisk& disk_;
  Told& told_;
};

// All that was written, or after a crash of the machine, or a sync that failed, the beginning of it, as far as it was
// durable.
bool MayBe(const Lines& read, const Told& told, const Case& at) {
  const bool crashed = at.crashes || at.kind == SimDisk::Call::kSync;
  if (read == told.written || (crashed && read.size() >= told.durable && IsPrefix(read, told.written))) return true;
  for (const Lines& maybe : told.maybe)
    if (read == maybe || (crashed && read.size() >= told.durable && IsPrefix(read, maybe))) return true;
  return false;
}

TEST(JournalSweep, NothingDurableIsLostAndNothingHalfWrittenIsBelieved) {
  Told told;
  const uint64_t calls = Sweep(
      [&](SimDisk& disk) {
        told = {};
        Worker(disk, told).Work();
      },
      [&](SimDisk& disk, const Case& at) {
        const std::string boot = at.crashes ? "b2" : "b1";
        auto opened = Journal::Open("d/agent", {.boot = boot, .files = &disk, .reserve_bytes = kReserve});
        ASSERT_TRUE(opened) << at.text() << ": " << opened.error().message;
        Lines read = Text(opened->records);
        EXPECT_TRUE(MayBe(read, told, at)) << at.text() << ": " << read.size() << " of " << told.written.size();
        // What is acknowledged from here on is there even if the machine crashes now, whatever failed before.
        ASSERT_TRUE(Append(*opened->journal, {journal::Opened{JournalId("j2"), boot, 9}, Forgotten(9)})) << at.text();
        ASSERT_TRUE(opened->journal->Sync()) << at.text();
        disk.Freeze();
        opened->journal.reset();
        disk.Crash();
        auto again = Journal::Open("d/agent", {.boot = "b3", .files = &disk, .reserve_bytes = kReserve});
        ASSERT_TRUE(again) << at.text() << ": " << again.error().message;
        EXPECT_EQ(again->records.size(), read.size() + 2) << at.text();
      });
  EXPECT_GT(calls, 20u);
}

}  // namespace
}  // namespace cromt
