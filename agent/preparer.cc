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
      waits_(static_cast<BlobWaits::Edges&>(*this)),
      thread_([this] { Run(); }) {}

Preparer::~Preparer() {
  inbox_.Close();
  thread_.join();
}

void Preparer::Prepare(const QueuedAttempt& attempt, uint32_t slot, std::string dir,
                       std::optional<launcher::JobUser> owner) {
  Job job{attempt, slot, std::move(dir), std::move(owner)};
  job.attempt.secrets = {};  // nobody here needs them
  inbox_.Post(std::move(job));
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
    std::optional<Mono> deadline = waits_.NextDeadline();
    for (const CleanUp& slot : dirty_) deadline = deadline ? std::min(*deadline, slot.at) : slot.at;
    if (trim_at_) deadline = deadline ? std::min(*deadline, *trim_at_) : *trim_at_;
    for (Command& command : inbox_.WaitAndTakeAll(deadline)) Take(std::move(command));
    ServeDirty();
    waits_.Serve(SystemClock().Read().mono);
    TrimBlobs();
  }
}

// At most once a minute, and nothing that somebody waits with for something else.
void Preparer::TrimBlobs() {
  Mono now = SystemClock().Read().mono;
  if (!trim_at_ || now < *trim_at_) return;
  trim_at_.reset();
  trimmed_at_ = now;
  const auto waited = waits_.Waited();
  auto trimmed = blobs_.Trim(blob_quota_bytes_, [&](const Digest& digest) { return waited.contains(digest.sha256); });
  if (!trimmed) callbacks_.warn("the blob store can't be kept within its quota: " + trimmed.error().message);
}

void Preparer::Take(Command command) {
  if (auto* clean = std::get_if<CleanUp>(&command)) {
    dirty_.push_back(*clean);
  } else if (auto* job = std::get_if<Job>(&command)) {
    const Ticket ticket = job->attempt.ticket;
    waits_.Take(jobs_.insert_or_assign(ticket, std::move(*job)).first->second.attempt, SystemClock().Read().mono);
  } else if (const auto* failed = std::get_if<NotFetched>(&command)) {
    waits_.NotFetched(failed->mesh, failed->digest, failed->reason);
  } else if (const auto* refused = std::get_if<Refused>(&command)) {
    waits_.Refused(refused->digest, refused->reason);
  } else if (const auto* stop = std::get_if<GiveUp>(&command)) {
    waits_.Stop(stop->ticket);
  } else if (!trim_at_) {
    trim_at_ = trimmed_at_ + kTrimPause;
  }
}

bool Preparer::Fetch(const MeshId& mesh, const LeaseInput& input) {
  if (callbacks_.fetch) callbacks_.fetch(mesh, input);
  return callbacks_.fetch != nullptr;
}

void Preparer::IsHere(Ticket ticket) {
  if (const auto job = jobs_.extract(ticket); !job.empty()) Stage(job.mapped());
}

void Preparer::GaveUp(Ticket ticket, const std::string& reason) {
  jobs_.erase(ticket);
  callbacks_.tell(queue_event::PrepareFailed{ticket, reason});
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

void Preparer::Stage(const Job& job) {
  const QueuedAttempt& attempt = job.attempt;
  auto staged = workspaces_.Stage(job.slot, *attempt.spec, blobs_);
  if (staged && (attempt.inputs || !attempt.spec->publishes.empty()))
    staged = StageArtifacts(job.dir, attempt.inputs, blobs_);
  if (staged && job.owner) staged = workspaces_.Give(job.slot, *job.owner);
  if (staged)
    callbacks_.tell(queue_event::Prepared{attempt.ticket});
  else
    callbacks_.tell(queue_event::PrepareFailed{attempt.ticket, staged.error().message});
}

}  // namespace cromt
