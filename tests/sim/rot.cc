#include "tests/sim/rot.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/commit_mark.h"
#include "coordinator/store/sqlite_store.h"
#include "io/seglog/segments.h"
#include "tests/sim/store_files.h"
#include "tests/unit/agent_journal/records.h"

namespace cromt::sim {
namespace {

// What a coordinator would do other things for. Each field that a coordinator starts with.
std::string Differs(const StoredState& is, const StoredState& was) {
  if (is.mesh != was.mesh || is.epoch != was.epoch || is.commit != was.commit || is.went_back != was.went_back)
    return "its commit";
  if (is.runs.size() != was.runs.size()) return "the number of its runs";
  for (size_t i = 0; i < is.runs.size(); ++i) {
    const StoredRun &run = is.runs[i], &before = was.runs[i];
    if (run.header.id != before.header.id || run.header.request != before.header.request ||
        run.header.project != before.header.project || run.header.trigger != before.header.trigger ||
        run.header.revision != before.header.revision || run.header.author != before.header.author ||
        run.header.created_at != before.header.created_at)
      return "the head of a run";
    if (run.status != before.status) return "the state of a run";
    if (run.tasks != before.tasks) return "a task";
    if (!(*run.plan == *before.plan)) return "a plan";
    if (run.artifacts.size() != before.artifacts.size()) return "an artifact";
    for (size_t a = 0; a < run.artifacts.size(); ++a)
      if (run.artifacts[a].artifacts != before.artifacts[a].artifacts) return "an artifact";
  }
  if (is.held != was.held || is.kept != was.kept) return "a lane, or what was kept";
  if (is.drained != was.drained || is.schedules != was.schedules || is.pauses != was.pauses ||
      is.triggers != was.triggers)
    return "what was asked for";
  if (is.agents.size() != was.agents.size() || is.revision != was.revision || is.files.size() != was.files.size())
    return "an agent or a file";
  for (size_t i = 0; i < is.agents.size(); ++i)
    if (is.agents[i].applied_sequence != was.agents[i].applied_sequence ||
        is.agents[i].journal != was.agents[i].journal || is.agents[i].address != was.agents[i].address)
      return "an agent";
  return "";
}

std::string BytesOf(SimDisk& disk, const std::string& path) {
  auto file = disk.Open(path, O_RDONLY);
  if (!file) return {};
  std::string bytes(static_cast<size_t>(file->Size()), '\0');
  const ssize_t got = file->Read(bytes.data(), bytes.size(), 0);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

}  // namespace

void Rot::Strike(SimHost& host, Dice& dice) {
  StrikeJournal(host, dice);
  StrikeLog(host, dice);
  StrikeStore(dice);
}

// What the last frame of a file says can't be told from one that was being written as the host crashed.
void Rot::StrikeJournal(SimHost& host, Dice& dice) {
  std::string bytes = BytesOf(host.disk(), "agent/journal");
  if (bytes.empty()) return;
  auto was = DecodeJournal(bytes);
  if (!was) return;  // a crash has torn its end
  const uint64_t bit = dice.Below(bytes.size() * 8);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  auto is = DecodeJournal(bytes, "boot-of-now");
  if (!is) return world_.situations.Saw("bit flip", "noticed in a journal");
  const auto texts = Text(was->records), read = Text(is->records);
  const bool without_last = read.size() + 1 == texts.size() && std::equal(read.begin(), read.end(), texts.begin());
  if (without_last && !is->note.empty()) return world_.situations.Saw("bit flip", "taken for the end of a journal");
  // The whole boot counts as what a crash may have torn.
  const bool torn = read.size() < texts.size() && std::equal(read.begin(), read.end(), texts.begin());
  if (torn && !is->note.empty()) return world_.situations.Saw("bit flip", "taken for a crash of a journal's host");
  if (read != texts)
    world_.ledger.Violation(
        fmt::format("bit {} of the journal of host {} has flipped, and another one is read", bit, host.index()));
}

// It stays so.
void Rot::StrikeLog(SimHost& host, Dice& dice) {
  std::vector<std::string> names;
  if (host.disk().List(kHostLog, names) != 0 || names.empty()) return;
  const std::string& name = names[dice.Below(names.size())];
  const std::string path = fmt::format("{}/{}", kHostLog, name);
  const int64_t size = host.disk().Size(path);
  if (size <= 0) return;
  const uint64_t bit = dice.Below(static_cast<uint64_t>(size) * 8);
  const auto position = seglog::MakePosition(static_cast<uint32_t>(std::stoul(name)), bit / 8);
  if (!world_.outputs.Rots(host.index(), position)) return;
  world_.timeline.Note(fmt::format("bit {} of {} of host {} flips", bit, path, host.index()));
  world_.situations.Saw("bit flip", "in a host's log");
  host.disk().FlipBit(path, bit);
}

Result<StoredState> Rot::StateIn(const std::string& path) {
  SeededRandom random(1);
  CROMT_ASSIGN(auto store,
               SqliteStore::Open(path, random, Durability::kProcess, coordinator_.disk(), &coordinator_.store_clock()));
  CROMT_ASSIGN(const StoredState lies, store->LoadToRecover());
  CROMT_ASSIGN(StoredState state, store->Load());
  state.epoch = lies.epoch;
  return state;
}

void Rot::StrikeStore(Dice& dice) {
  SimDisk& disk = coordinator_.disk();
  const std::string& path = coordinator_.path();
  const std::string end = kStoreFiles.at(dice.Below(kStoreFiles.size()));
  const int64_t size = disk.Size(path + end);
  const uint64_t place = dice.Below(1'000'000'000);
  if (size <= 0) return;
  const uint64_t bit = place % (static_cast<uint64_t>(size) * 8);
  const std::string whole = path + ".whole", rotten = path + ".rotten";
  CopyStore(disk, path, whole);
  CopyStore(disk, path, rotten);
  disk.FlipBit(rotten + end, bit);
  const uint64_t failures = disk.failures();
  const auto mark = CommitMark::Read(whole, disk);
  const auto was = StateIn(whole), is = StateIn(rotten);
  for (const std::string& copy : {whole, rotten})
    for (const char* of : kStoreFiles) disk.Copy("", copy + of);
  if (!was || disk.failures() != failures) return;  // there is more that is wrong
  if (!is && is.error().code == ErrorCode::kExhausted) return;
  const std::string_view name = end.empty() ? "a database" : end == "-wal" ? "a log" : "a mark";
  // A crash of the machine may have put the mark back, until the coordinator has started again. Then agents prove it.
  const bool mark_is_older = mark && *mark && ((*mark)->commit < was->commit || (*mark)->epoch < was->epoch);
  if (is && mark_is_older && (is->commit != was->commit || is->epoch != was->epoch))
    return world_.situations.Saw("bit flip", "hidden by an older mark", name);
  if (is) {
    if (const std::string differs = Differs(*is, *was); !differs.empty())
      world_.ledger.Violation(
          fmt::format("bit {} of store.db{} has flipped, and {} is believed to be another", bit, end, differs));
    return world_.situations.Saw("bit flip", "without meaning", name);
  }
  world_.situations.Saw("bit flip", "noticed", name);
  world_.timeline.Note(fmt::format("bit {} of store.db{} flips", bit, end));
  const bool says_why = is.error().code == ErrorCode::kCorrupt || is.error().code == ErrorCode::kConflict;
  if (!says_why || is.error().message.find(rotten) == std::string::npos)
    world_.ledger.Violation("a flipped bit is told of thus: " + is.error().message);
  coordinator_.Die("a bit of its store has flipped");
  disk.FlipBit(path + end, bit);
  strikes_ = true;
  coordinator_.Boot();
  strikes_ = false;
  if (coordinator_.up()) world_.ledger.Violation("a coordinator has started with a store that is damaged");
  disk.FlipBit(path + end, bit);  // the backup
}

}  // namespace cromt::sim
