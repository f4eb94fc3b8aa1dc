#include "agent/blob_waits.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cromt {

void BlobWaits::Take(const QueuedAttempt& attempt, Mono now) {
  const Job& job = waiting_.emplace_back(Job{attempt.ticket, attempt.mesh, attempt.spec, attempt.inputs,
                                             now + (attempt.inputs ? kArtifactPatience : kPatience)});
  for (size_t i = 0; i < NeedsOf(job); ++i)
    if (!IsHere(job, i)) Ask(job, i);
}

void BlobWaits::NotFetched(const MeshId& mesh, const Digest& digest, const std::string& reason) {
  const bool needed =
      std::any_of(waiting_.begin(), waiting_.end(), [&](const Job& job) { return Needs(job, digest.sha256); });
  if (!needed) return;
  not_fetched_[digest.sha256] = reason;
  edges_.Want(mesh, digest);
}

void BlobWaits::Refused(const Digest& digest, const std::string& reason) {
  std::string all = reason;
  if (const auto direct = not_fetched_.find(digest.sha256); direct != not_fetched_.end())
    all = direct->second + "; nor through the coordinator: " + reason;
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    if (!Needs(*job, digest.sha256)) {
      ++job;
      continue;
    }
    edges_.GaveUp(job->ticket, all);
    job = Leave(job);
  }
}

void BlobWaits::Stop(Ticket ticket) {
  const auto job = std::find_if(waiting_.begin(), waiting_.end(), [&](const Job& j) { return j.ticket == ticket; });
  if (job == waiting_.end()) return;  // it has been told of
  edges_.GaveUp(ticket, "stopped before it began");
  Leave(job);
}

void BlobWaits::Serve(Mono now) {
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    if (HasAll(*job)) {
      edges_.IsHere(job->ticket);
    } else if (now < job->give_up_at) {
      ++job;
      continue;
    } else if (job->seen == 0) {
      edges_.GaveUp(job->ticket, fmt::format("the files of {} did not come from the coordinator within {}",
                                             job->spec->source.repository, FormatDuration(kPatience)));
    } else {
      edges_.GaveUp(job->ticket,
                    fmt::format("its artifacts did not come within {}", FormatDuration(kArtifactPatience)));
    }
    job = Leave(job);
  }
}

std::optional<Mono> BlobWaits::NextDeadline() const {
  std::optional<Mono> next;
  for (const Job& job : waiting_) next = next ? std::min(*next, job.give_up_at) : job.give_up_at;
  return next;
}

std::set<std::string> BlobWaits::Waited() const {
  std::set<std::string> hashes;
  for (const Job& job : waiting_)
    for (size_t i = 0; i < NeedsOf(job); ++i) hashes.insert(Need(job, i).sha256);
  return hashes;
}

// The tree, which may be the empty one, and then its artifacts.
const Digest& BlobWaits::Need(const Job& job, size_t i) {
  return i == 0 ? job.spec->source.tree : (*job.inputs)[i - 1].artifact.digest;
}

bool BlobWaits::Needs(const Job& job, const std::string& sha256) {
  for (size_t i = 0; i < NeedsOf(job); ++i)
    if (Need(job, i).sha256 == sha256) return true;
  return false;
}

bool BlobWaits::IsHere(const Job& job, size_t i) {
  const Digest& digest = Need(job, i);
  return digest.empty() || edges_.Has(digest);
}

void BlobWaits::Ask(const Job& job, size_t i) {
  if (i == 0 || !edges_.Fetch(job.mesh, (*job.inputs)[i - 1])) edges_.Want(job.mesh, Need(job, i));
}

// Goes on from where it stopped last, for there may be thousands. What was here and was removed since is asked for
// again.
bool BlobWaits::HasAll(Job& job) {
  const size_t count = NeedsOf(job);
  while (job.seen < count && IsHere(job, job.seen)) ++job.seen;
  if (job.seen < count) return false;
  for (size_t i = count; i-- > 0;)
    if (!IsHere(job, i)) {
      Ask(job, i);
      job.seen = i;
    }
  return job.seen == count;
}

// What is remembered for those that wait goes with the last of them.
std::list<BlobWaits::Job>::iterator BlobWaits::Leave(std::list<Job>::iterator job) {
  const auto next = waiting_.erase(job);
  std::erase_if(not_fetched_, [this](const auto& reason) {
    return std::none_of(waiting_.begin(), waiting_.end(), [&](const Job& other) { return Needs(other, reason.first); });
  });
  return next;
}

}  // namespace cromt
