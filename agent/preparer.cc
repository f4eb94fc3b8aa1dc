#include "agent/preparer.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/artifact_dir.h"

namespace cromt {
namespace {

constexpr Duration kCleanAgain = seconds(10);
constexpr Duration kTrimPause = seconds(60);

}  // namespace

Preparer::Preparer(const Workspaces& workspaces, BlobStore& blobs, int64_t blob_quota_bytes, Callbacks callbacks)
    : workspaces_(workspaces),
      blobs_(blobs),
      blob_quota_bytes_(blob_quota_bytes),
      callbacks_(std::move(callbacks)),
      thread_([this] { Run(); }) {}

Preparer::~Preparer() {
  inbox_.Close();
  thread_.join();
}

void Preparer::Prepare(const QueuedAttempt& attempt, uint32_t slot, std::string dir,
                       std::optional<launcher::JobUser> owner) {
  inbox_.Post(Job{attempt.ticket, attempt.mesh, slot, attempt.spec, attempt.inputs, std::move(dir), std::move(owner),
                  SystemClock().Read().mono + (attempt.inputs ? kArtifactPatience : kPatience)});
}
void Preparer::Stop(Ticket ticket) {
  inbox_.Post(GiveUp{ticket});
}
void Preparer::FetchFailed(MeshId mesh, Digest digest, std::string reason) {
  inbox_.Post(NotFetched{std::move(mesh), std::move(digest), std::move(reason)});
}
void Preparer::BlobFailed(Digest digest, std::string reason) {
  inbox_.Post(Refused{std::move(digest), std::move(reason)});
}
void Preparer::Clean(uint32_t slot) {
  inbox_.Post(CleanUp{slot});
}
void Preparer::BlobArrived() {
  inbox_.Post(Look{});
}

void Preparer::Run() {
  while (!inbox_.closed()) {
    std::optional<Mono> deadline;
    for (const CleanUp& slot : dirty_) deadline = deadline ? std::min(*deadline, slot.at) : slot.at;
    for (const Job& job : waiting_) deadline = deadline ? std::min(*deadline, job.give_up_at) : job.give_up_at;
    if (trim_at_) deadline = deadline ? std::min(*deadline, *trim_at_) : *trim_at_;
    for (Command& command : inbox_.WaitAndTakeAll(deadline)) {
      if (auto* clean = std::get_if<CleanUp>(&command)) {
        dirty_.push_back(*clean);
      } else if (auto* job = std::get_if<Job>(&command)) {
        Take(std::move(*job));
      } else if (auto* failed = std::get_if<NotFetched>(&command)) {
        Take(*failed);
      } else if (auto* refused = std::get_if<Refused>(&command)) {
        Take(*refused);
      } else if (auto* stop = std::get_if<GiveUp>(&command)) {
        Take(*stop);
      } else if (!trim_at_) {
        trim_at_ = trimmed_at_ + kTrimPause;
      }
    }
    ServeDirty();
    ServeWaiting();
    TrimBlobs();
  }
}

// At most once a minute; what waits for a blob has just been served with it.
void Preparer::TrimBlobs() {
  Mono now = SystemClock().Read().mono;
  if (!trim_at_ || now < *trim_at_) return;
  trim_at_.reset();
  trimmed_at_ = now;
  auto trimmed = blobs_.Trim(blob_quota_bytes_);
  if (!trimmed) callbacks_.warn("the blob store can't be kept within its quota: " + trimmed.error().message);
}

void Preparer::Take(Job job) {
  const Digest& tree = job.spec->source.tree;
  if (!tree.empty() && !blobs_.Has(tree)) callbacks_.want_blob(job.mesh, tree);
  if (job.inputs)
    for (const LeaseInput& input : *job.inputs) {
      if (blobs_.Has(input.artifact.digest)) continue;
      if (callbacks_.fetch)
        callbacks_.fetch(job.mesh, input);
      else
        callbacks_.want_blob(job.mesh, input.artifact.digest);
    }
  waiting_.push_back(std::move(job));
}

void Preparer::Take(const NotFetched& failed) {
  not_fetched_[failed.digest.sha256] = failed.reason;
  callbacks_.want_blob(failed.mesh, failed.digest);
}

void Preparer::Take(const Refused& refused) {
  std::string reason = refused.reason;
  if (auto direct = not_fetched_.extract(refused.digest.sha256); !direct.empty())
    reason = direct.mapped() + "; nor through the coordinator: " + reason;
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    bool needs = job->spec->source.tree == refused.digest;
    if (job->inputs)
      for (const LeaseInput& input : *job->inputs) needs |= input.artifact.digest == refused.digest;
    if (needs) callbacks_.tell(queue_event::PrepareFailed{job->ticket, reason});
    job = needs ? waiting_.erase(job) : std::next(job);
  }
}

void Preparer::Take(const GiveUp& stop) {
  auto job = std::find_if(waiting_.begin(), waiting_.end(), [&](const Job& j) { return j.ticket == stop.ticket; });
  if (job == waiting_.end()) return;  // it has been told of
  waiting_.erase(job);
  callbacks_.tell(queue_event::PrepareFailed{stop.ticket, "stopped before it began"});
}

// The first blob that the job still waits for; null if all are here.
const Digest* Preparer::Missing(const Job& job) const {
  const Digest& tree = job.spec->source.tree;
  if (!tree.empty() && !blobs_.Has(tree)) return &tree;
  if (job.inputs)
    for (const LeaseInput& input : *job.inputs)
      if (!blobs_.Has(input.artifact.digest)) return &input.artifact.digest;
  return nullptr;
}

Status Preparer::Empty(uint32_t slot) {
  if (workspaces_.HasBox(slot)) CROMT_TRY(callbacks_.empty_box(slot));
  return workspaces_.Clean(slot);
}

// A slot that can't be emptied is not used, and tried again; the others go on.
void Preparer::ServeDirty() {
  Mono now = SystemClock().Read().mono;
  for (auto slot = dirty_.begin(); slot != dirty_.end();) {
    if (slot->at > now) {
      ++slot;
    } else if (auto cleaned = Empty(slot->slot); cleaned) {
      callbacks_.tell(queue_event::SlotCleaned{slot->slot});
      slot = dirty_.erase(slot);
    } else {
      callbacks_.warn(fmt::format("slot {} is not used until it is empty: {}", slot->slot, cleaned.error().message));
      slot->at = now + kCleanAgain;
    }
  }
}

void Preparer::ServeWaiting() {
  Mono now = SystemClock().Read().mono;
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    const Digest* missing = Missing(*job);
    if (!missing) {
      if (job->inputs)
        for (const LeaseInput& input : *job->inputs) not_fetched_.erase(input.artifact.digest.sha256);
      Stage(*job);
    } else if (now >= job->give_up_at) {
      const Source& source = job->spec->source;
      callbacks_.tell(queue_event::PrepareFailed{
          job->ticket, missing == &source.tree
                           ? fmt::format("the files of {} did not come from the coordinator within {}",
                                         source.repository, FormatDuration(kPatience))
                           : fmt::format("its artifacts did not come within {}", FormatDuration(kArtifactPatience))});
    } else {
      ++job;
      continue;
    }
    job = waiting_.erase(job);
  }
}

void Preparer::Stage(const Job& job) {
  auto staged = workspaces_.Stage(job.slot, *job.spec, blobs_);
  if (staged && (job.inputs || !job.spec->publishes.empty())) staged = StageArtifacts(job.dir, job.inputs, blobs_);
  if (staged && job.owner) staged = workspaces_.Give(job.slot, *job.owner);
  if (staged)
    callbacks_.tell(queue_event::Prepared{job.ticket});
  else
    callbacks_.tell(queue_event::PrepareFailed{job.ticket, staged.error().message});
}

}  // namespace cromt
