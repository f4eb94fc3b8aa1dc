#include "tests/sim/files.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/host.h"
#include "tests/sim/network.h"

namespace cromt::sim {
namespace {

// What did not come by then is given up, as by the agent.
constexpr Duration kPatience = std::chrono::minutes(10);

uint64_t Hash(std::string_view text, uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
  return hash;
}

}  // namespace

Digest ArtifactOf(const AttemptId& id, const std::string& name) {
  const std::string text = ToString(id) + "/" + name;
  std::string sha256;
  for (uint64_t part = 1; part <= 4; ++part) sha256 += fmt::format("{:016x}", Hash(text, part));
  return {std::move(sha256), static_cast<int64_t>(1 + Hash(text, 5) % 1000)};
}

bool CantPublish(const AttemptId& id) {
  return Hash(ToString(id), 6) % 100 == 0;
}

SimFiles::SimFiles(World& world, Network& network, size_t host, Callbacks callbacks)
    : world_(world), network_(network), host_(host), callbacks_(std::move(callbacks)) {}

void SimFiles::Die() {
  ++life_;
  waiting_.clear();
}

void SimFiles::Later(Duration delay, std::string_view kind, std::function<void()> what) {
  world_.timeline.After(delay, kind, host_, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

// ---- In ---------------------------------------------------------------------------------------

void SimFiles::Prepare(const QueuedAttempt& attempt) {
  Job job{attempt.id, {}};
  auto miss = [&](const Digest& digest) {
    if (!Has(digest)) job.missing.push_back(digest.sha256);
    return !Has(digest);
  };
  if (const Digest& tree = attempt.spec->source.tree; !tree.empty() && miss(tree))
    Later(world_.dice.Between(milliseconds(1), milliseconds(200)), "blob wanted", [this, mesh = attempt.mesh, tree] {
      if (!Has(tree)) callbacks_.want(mesh, tree);
    });
  if (attempt.inputs)
    for (const LeaseInput& input : *attempt.inputs)
      if (miss(input.artifact.digest)) Fetch(attempt.mesh, input);
  const Ticket ticket = attempt.ticket;
  if (job.missing.empty()) {
    const Duration delay = world_.dice.Between(milliseconds(1), milliseconds(200));
    if (world_.dice.PerMille(5)) {
      world_.ledger.CouldNotStart(attempt.id);
      return Later(delay, "prepare failed", [this, ticket] {
        callbacks_.tell(queue_event::PrepareFailed{ticket, "its files can't be staged"});
      });
    }
    return Later(delay, "prepared", [this, ticket] { callbacks_.tell(queue_event::Prepared{ticket}); });
  }
  waiting_[ticket] = std::move(job);
  Later(kPatience, "blobs given up", [this, ticket] {
    auto late = waiting_.find(ticket);
    if (late == waiting_.end()) return;
    world_.ledger.CouldNotStart(late->second.id);
    waiting_.erase(late);
    callbacks_.tell(queue_event::PrepareFailed{ticket, "its files did not come in time"});
  });
}

void SimFiles::Fetch(const MeshId& mesh, const LeaseInput& input) {
  const Digest& digest = input.artifact.digest;
  artifacts_.insert(digest.sha256);
  Later(world_.dice.Between(milliseconds(1), seconds(1)), "blob fetched", [this, mesh, digest, from = input.address] {
    if (Has(digest)) return Take(digest);
    const SimHost* holder = network_.HostAt(from);
    const bool answers = holder && holder->up() && !network_.IsStalled(*holder) && holder->files().Has(digest);
    world_.situations.Saw("artifact", answers ? "from its holder" : "its holder does not give it");
    if (answers && !world_.dice.PerCent(10)) return Take(digest);
    callbacks_.want(mesh, digest);
  });
}

void SimFiles::Take(const Digest& digest) {
  blobs_.insert(digest.sha256);
  callbacks_.arrived(digest);
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    std::erase(job->second.missing, digest.sha256);
    const Ticket ticket = job->first;
    const bool all = job->second.missing.empty();
    if (all) Later(milliseconds(1), "prepared", [this, ticket] { callbacks_.tell(queue_event::Prepared{ticket}); });
    job = all ? waiting_.erase(job) : std::next(job);
  }
}

// Of a tree this can only be said of what the coordinator has given up meanwhile. Of what it still believes to be here
// the ledger would see it.
void SimFiles::Failed(const BlobFailure& failure) {
  const bool artifact = artifacts_.contains(failure.digest.sha256);
  for (auto job = waiting_.begin(); job != waiting_.end();) {
    const Ticket ticket = job->first;
    const bool needs = std::ranges::count(job->second.missing, failure.digest.sha256) > 0;
    if (needs && artifact) world_.ledger.CouldNotStart(job->second.id);
    if (needs)
      Later(milliseconds(1), "prepare failed",
            [this, ticket, reason = (artifact ? "it can't have its artifact: " : kFilesRefused) + failure.reason] {
              callbacks_.tell(queue_event::PrepareFailed{ticket, reason});
            });
    job = needs ? waiting_.erase(job) : std::next(job);
  }
}

// What was prepared meanwhile has been said before.
void SimFiles::StopPreparing(Ticket ticket) {
  if (waiting_.erase(ticket) == 0) return;
  Later(milliseconds(1), "stopped preparing", [this, ticket] {
    callbacks_.tell(queue_event::PrepareFailed{ticket, "stopped before it began"});
  });
}

// ---- Out --------------------------------------------------------------------------------------

void SimFiles::Publish(const QueuedAttempt& attempt) {
  const Duration delay = world_.dice.Between(milliseconds(1), milliseconds(500));
  if (CantPublish(attempt.id))
    return Later(delay, "not published", [this, ticket = attempt.ticket] {
      callbacks_.tell(queue_event::PublishFailed{ticket, "its artifact is not there"});
    });
  queue_event::Published published{attempt.ticket, {}};
  for (const ArtifactOut& out : attempt.spec->publishes)
    published.artifacts.push_back({.name = out.name, .digest = ArtifactOf(attempt.id, out.name), .grant = "grant"});
  Later(delay, "published", [this, published = std::move(published)] {
    for (const PublishedArtifact& artifact : published.artifacts) blobs_.insert(artifact.digest.sha256);
    callbacks_.tell(published);
  });
}

}  // namespace cromt::sim
