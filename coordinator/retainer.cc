#include "coordinator/retainer.h"

#include <fmt/format.h>
#include <pthread.h>

#include "base/size.h"

namespace cromt {
namespace {

constexpr size_t kGathered = 5'000;  // runs that are found before some are removed
constexpr Duration kAfterError = seconds(60);

Mono MonoNow() {
  return SystemClock().Read().mono;
}

}  // namespace

Retainer::Retainer(Options options, LogStore& logs, BlobStore& blobs, Edges edges)
    : options_(std::move(options)),
      logs_(logs),
      blobs_(blobs),
      edges_(std::move(edges)),
      blobs_due_(MonoNow() + std::min(options_.blob_look, kFullLook)),
      looked_(MonoNow() + options_.first_look - kPause) {
  thread_ = std::thread([this] { Run(); });
}

Retainer::~Retainer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Retainer::Committed(std::span<const Record> records) {
  bool ended = false;
  {
    MutexLock lock(mutex_);
    for (const Record& record : records) {
      if (const auto* created = std::get_if<RunCreated>(&record)) going_[created->header.id] = created->header.project;
      const auto* changed = std::get_if<RunChanged>(&record);
      if (!changed || changed->status.state != RunState::kFinished) continue;
      ended = true;
      if (auto known = going_.extract(changed->run))
        wanted_.projects.insert(std::move(known.mapped()));
      else
        wanted_.all = true;  // it began before us
    }
  }
  if (ended) changed_.notify_all();
}

void Retainer::Run() {
  ::pthread_setname_np(::pthread_self(), "retainer");
  while (const auto wanted = Wait()) {
    const Status looked = Look(*wanted);
    if (looked) continue;
    const ErrorCode code = looked.error().code;
    const bool held = code == ErrorCode::kUnavailable || code == ErrorCode::kExhausted || code == ErrorCode::kTimeout;
    if (!held && edges_.warn) edges_.warn("what is past can't be removed: " + looked.error().message);
    MutexLock lock(mutex_);
    wanted_.all = true;
    looked_ = MonoNow() + kAfterError - kPause;
  }
}

// Until there is something to look at, and not sooner than a pause after the last look. nullopt: it is to end.
std::optional<Retainer::Wanted> Retainer::Wait() {
  MutexLock lock(mutex_);
  for (;;) {
    if (stopping_) return std::nullopt;
    const Mono now = MonoNow();
    Mono due = looked_full_ + kFullLook;
    for (auto later = later_.begin(); later != later_.end();) {
      due = std::min(due, later->second);
      if (later->second <= now) wanted_.projects.insert(later->first);
      later = later->second <= now ? later_.erase(later) : std::next(later);
    }
    const bool some = wanted_.all || !wanted_.projects.empty();
    if (some) due = looked_ + kPause;
    if (now < due) {
      changed_.wait_for(mutex_, due - now);
      continue;
    }
    if (!some || now - looked_full_ >= kFullLook) wanted_.all = true;
    looked_ = now;
    if (wanted_.all) looked_full_ = now;
    return std::exchange(wanted_, {.all = false, .projects = {}});
  }
}

Status Retainer::Look(const Wanted& wanted) {
  CROMT_TRY(edges_.remove({}));  // while the loop holds still, so do we: the store may not be the one that goes on
  CROMT_ASSIGN(RetentionReader reader, RetentionReader::Open(options_.store_path));
  std::vector<std::string> projects(wanted.projects.begin(), wanted.projects.end());
  if (wanted.all) {
    CROMT_ASSIGN(projects, reader.Projects());
  }
  for (const std::string& project : projects) {
    CROMT_TRY(LookAtRuns(reader, project));
    if (wanted.all) CROMT_TRY(LookAtTicks(reader, project));
  }
  CROMT_TRY(SweepRemnants(reader));
  CROMT_TRY(LookAtOutput(reader, wanted.all));
  if (!wanted.all) return {};
  Tell();
  return LookAtBlobs(reader);
}

Status Retainer::LookAtRuns(RetentionReader& reader, const std::string& project) {
  const Wall now = options_.now();
  RunSieve sieve(edges_.keep(project).value_or(options_.retention.runs), options_.retention.age, now);
  for (int64_t below = INT64_MAX;;) {
    CROMT_ASSIGN(const auto excess, reader.Excess(project, sieve, below, kGathered, now));
    if (excess.empty()) break;
    for (size_t from = 0; from < excess.size(); from += kRunsAtOnce) {
      const auto step = std::span(excess).subspan(from, std::min(kRunsAtOnce, excess.size() - from));
      std::vector<Record> records(step.begin(), step.end());
      records.emplace_back(Sweep());
      CROMT_TRY(Step(std::move(records)));
      for (const RunRemoved& run : step) {
        CROMT_ASSIGN(const auto speaker, reader.SpeakerOf(run.run));
        if (speaker.known) continue;  // the loop still needs it
        CROMT_TRY(logs_.Remove(run.run));
        ++runs_removed_;
      }
    }
  }
  MutexLock lock(mutex_);
  if (sieve.waits()) later_.emplace(project, MonoNow() + kKeptAtLeast);
  return {};
}

Status Retainer::LookAtTicks(RetentionReader& reader, const std::string& project) {
  for (;;) {
    CROMT_ASSIGN(const auto up_to, reader.ExcessTicks(project, options_.retention.age, options_.now()));
    if (!up_to) return {};
    CROMT_TRY(Step({TicksForgotten{project, *up_to, kRowsAtOnce}}));
  }
}

Status Retainer::SweepRemnants(RetentionReader& reader) {
  for (;;) {
    CROMT_ASSIGN(const bool some, reader.HasRemnants(options_.now() - kRemovedKnown));
    if (!some) return {};
    CROMT_TRY(Step({Sweep()}));
  }
}

// Files are counted one by one only where there may be too much in them, and where strays are looked for.
Status Retainer::LookAtOutput(RetentionReader& reader, bool strays) {
  const int64_t most = options_.retention.output_bytes;
  const int64_t appended = logs_.appended_bytes();
  const bool much = most > 0 && output_bytes_ + appended - appended_then_ > most;
  if (!much && !strays) return {};
  const Wall now = options_.now();
  CROMT_ASSIGN(const auto files, logs_.List());  // before it is asked whose they are: a run is in the store first
  std::vector<RunOutput> all;
  int64_t total = 0;
  for (const LogStore::Kept& file : files) {
    CROMT_ASSIGN(const auto speaker, reader.SpeakerOf(file.run));
    const bool stray = !speaker.known && now - file.changed >= kStrayKept;
    if (speaker.removed || stray) {
      CROMT_TRY(logs_.Remove(file.run));
      continue;
    }
    total += file.bytes;
    const bool settled = speaker.finished && now - *speaker.finished >= kKeptAtLeast;
    if (speaker.known) all.push_back({file.run, file.bytes, settled ? speaker.finished : std::nullopt});
  }
  for (const RunOutput& output : OutputToRemove(std::move(all), most)) {
    const std::string why =
        fmt::format("the output of all runs is kept up to {}, and that of the oldest goes first", FormatSize(most));
    CROMT_TRY(Step({OutputRemoved{output.run, output.bytes, why, now}}));
    CROMT_ASSIGN(const auto speaker, reader.SpeakerOf(output.run));
    if (!speaker.removed) continue;  // the loop still needs it
    CROMT_TRY(logs_.Remove(output.run));
    ++outputs_removed_;
    total -= output.bytes;
  }
  output_bytes_ = total;
  appended_then_ = appended;
  return {};
}

// Once a full look: nothing goes without a word in the operator's log.
void Retainer::Tell() {
  const int64_t runs = std::exchange(runs_removed_, 0), outputs = std::exchange(outputs_removed_, 0);
  if (runs + outputs > 0)
    edges_.note(fmt::format("retention has removed {} finished runs, and the output of {} others", runs, outputs));
}

// The files of repositories that no run has any more. They are listed before the plans are read: what a plan of later
// names was used since, and is left.
Status Retainer::LookAtBlobs(RetentionReader& reader) {
  if (MonoNow() < blobs_due_) return {};
  blobs_due_ = MonoNow() + options_.blob_look;
  CROMT_ASSIGN(const auto blobs, blobs_.List());
  CROMT_ASSIGN(const auto trees, reader.Trees());
  const Wall since = options_.now() - options_.blob_idle;
  for (const Digest& blob : blobs)
    if (!trees.contains(blob.sha256)) CROMT_TRY(blobs_.RemoveIdle(blob, since));
  return {};
}

Status Retainer::Step(std::vector<Record> records) {
  CROMT_TRY(edges_.remove(std::move(records)));
  const Mono until = MonoNow() + kStepPause;
  MutexLock lock(mutex_);
  for (Mono now = MonoNow(); !stopping_ && now < until; now = MonoNow()) changed_.wait_for(mutex_, until - now);
  return stopping_ ? Fail(ErrorCode::kUnavailable, "the coordinator is stopping") : Status();
}

}  // namespace cromt
