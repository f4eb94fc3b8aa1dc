#include "agent/preparer.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

constexpr Duration kCleanAgain = seconds(10);

}  // namespace

Preparer::Preparer(const Workspaces& workspaces, const BlobStore& blobs, Callbacks callbacks)
    : workspaces_(workspaces), blobs_(blobs), callbacks_(std::move(callbacks)), thread_([this] { Run(); }) {}

Preparer::~Preparer() {
  inbox_.Close();
  thread_.join();
}

void Preparer::Prepare(Ticket ticket, MeshId mesh, uint32_t slot, std::shared_ptr<const TaskSpec> spec) {
  inbox_.Post(Job{ticket, std::move(mesh), slot, std::move(spec), SystemClock().Read().mono + kPatience});
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
    for (Command& command : inbox_.WaitAndTakeAll(deadline)) {
      if (auto* clean = std::get_if<CleanUp>(&command)) {
        dirty_.push_back(*clean);
      } else if (auto* job = std::get_if<Job>(&command)) {
        const Digest& tree = job->spec->source.tree;
        if (!tree.empty() && !blobs_.Has(tree)) callbacks_.want_blob(job->mesh, tree);
        waiting_.push_back(std::move(*job));
      }
    }
    ServeDirty();
    ServeWaiting();
  }
}

// A slot that can't be emptied is not used, and tried again; the others go on.
void Preparer::ServeDirty() {
  Mono now = SystemClock().Read().mono;
  for (auto slot = dirty_.begin(); slot != dirty_.end();) {
    if (slot->at > now) {
      ++slot;
    } else if (auto cleaned = workspaces_.Clean(slot->slot); cleaned) {
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
    const Source& source = job->spec->source;
    if (source.tree.empty() || blobs_.Has(source.tree)) {
      Stage(*job);
    } else if (now >= job->give_up_at) {
      callbacks_.tell(queue_event::PrepareFailed{
          job->ticket, fmt::format("the files of {} did not come from the coordinator within {}", source.repository,
                                   FormatDuration(kPatience))});
    } else {
      ++job;
      continue;
    }
    job = waiting_.erase(job);
  }
}

void Preparer::Stage(const Job& job) {
  auto staged = workspaces_.Stage(job.slot, *job.spec, blobs_);
  if (staged)
    callbacks_.tell(queue_event::Prepared{job.ticket});
  else
    callbacks_.tell(queue_event::PrepareFailed{job.ticket, staged.error().message});
}

}  // namespace cromt
