#include "tests/sim/files.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/blob/sha256.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"

namespace cromt::sim {
namespace {

uint64_t Hash(std::string_view text, uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
  return hash;
}

}  // namespace

std::string ArtifactBytes(const AttemptId& id, const std::string& name) {
  const std::string text = ToString(id) + "/" + name;
  std::string bytes(1 + Hash(text, 5) % 1000, '\0');
  for (size_t i = 0; i < bytes.size(); i += 8) {
    const uint64_t part = Hash(text, i + 7);
    for (size_t k = i; k < std::min(i + 8, bytes.size()); ++k) bytes[k] = static_cast<char>(part >> (k - i) * 8);
  }
  return bytes;
}

Digest ArtifactOf(const AttemptId& id, const std::string& name) {
  const std::string bytes = ArtifactBytes(id, name);
  return {Sha256Hex(bytes), static_cast<int64_t>(bytes.size())};
}

bool CantPublish(const AttemptId& id) {
  return Hash(ToString(id), 6) % 100 == 0;
}

SimFiles::SimFiles(World& world, Network& network, size_t host, Callbacks callbacks)
    : world_(world), network_(network), host_(host), callbacks_(std::move(callbacks)), fetches_(world, network) {
  Die();
}

SimFiles::~SimFiles() = default;

void SimFiles::Die() {
  ++life_;
  fetches_.Die();
  preparing_.clear();
  waits_ = std::make_unique<BlobWaits>(static_cast<BlobWaits::Edges&>(*this));
}

void SimFiles::Wipe() {
  blobs_.clear();
  staged_.clear();
}

const std::string* SimFiles::Read(const Digest& digest) const {
  const auto blob = blobs_.find(digest.sha256);
  return blob == blobs_.end() ? nullptr : &blob->second;
}

bool SimFiles::IsStaged(Ticket ticket, const Digest& digest) const {
  const auto staged = staged_.find(ticket);
  return staged != staged_.end() && staged->second.contains(digest.sha256);
}

// After a while, unless the process has died meanwhile.
void SimFiles::Later(Duration delay, std::string_view kind, std::function<void()> what) {
  world_.timeline.After(delay, kind, host_, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

void SimFiles::Command(std::function<void()> what) {
  const Duration now = world_.timeline.now();
  last_command_ = std::max(last_command_, now + world_.dice.Between(Duration(10), milliseconds(20)));
  Later(last_command_ - now, "preparer", [this, what = std::move(what)] {
    what();
    waits_->Serve(MonoFromMicros(world_.timeline.now().count()));
  });
}

// What is kept within its bound loses something now and then that nobody waits with.
void SimFiles::Keep(const Digest& digest, const std::string& bytes) {
  if (Sha256Hex(bytes) != digest.sha256) world_.ledger.Violation("other bytes are kept than were asked for");
  if (world_.dice.PerCent(10)) {
    const auto waited = waits_->Waited();
    std::vector<std::string> others;
    for (const auto& [sha256, others_bytes] : blobs_)
      if (!waited.contains(sha256)) others.push_back(sha256);
    if (!others.empty()) {
      world_.situations.Saw("artifact", "trimmed");
      blobs_.erase(others[world_.dice.Below(others.size())]);
    }
  }
  blobs_[digest.sha256] = bytes;
}

// ---- In ---------------------------------------------------------------------------------------

void SimFiles::Prepare(const QueuedAttempt& attempt) {
  Command([this, attempt] {
    const Mono now = MonoFromMicros(world_.timeline.now().count());
    preparing_.insert_or_assign(attempt.ticket, attempt);
    waits_->Take(attempt, now);
    const auto deadline = waits_->NextDeadline();
    if (deadline) Later(*deadline - now, "blobs given up", [this, deadline] { waits_->Serve(*deadline); });
  });
}

bool SimFiles::Fetch(const MeshId& mesh, const LeaseInput& input) {
  const Digest digest = input.artifact.digest;
  fetches_.Fetch(input, [this, mesh, digest](const Result<std::string>& fetched) {
    world_.situations.Saw("artifact", fetched ? "from its holder" : "its holder does not give it");
    if (fetched) {
      Keep(digest, *fetched);
      return Command([] {});
    }
    Command([this, mesh, digest, reason = fetched.error().message] { waits_->NotFetched(mesh, digest, reason); });
  });
  return true;
}

void SimFiles::IsHere(Ticket ticket) {
  const QueuedAttempt attempt = std::move(preparing_.extract(ticket).mapped());
  std::set<std::string>& staged = staged_[ticket];
  staged.insert(attempt.spec->source.tree.sha256);
  if (attempt.inputs)
    for (const LeaseInput& input : *attempt.inputs) staged.insert(input.artifact.digest.sha256);
  std::erase_if(staged, [this](const std::string& sha256) { return !blobs_.contains(sha256); });
  const bool fails = world_.dice.PerMille(5);
  if (fails) world_.ledger.CouldNotStart(attempt.id);
  Later(world_.dice.Between(milliseconds(1), milliseconds(200)), "prepared", [this, ticket, fails] {
    if (fails)
      callbacks_.tell(queue_event::PrepareFailed{ticket, "its files can't be staged"});
    else
      callbacks_.tell(queue_event::Prepared{ticket});
  });
}

// Of a tree this can only be said of what the coordinator has given up meanwhile. Of what it still believes to be here
// the ledger would see it.
void SimFiles::GaveUp(Ticket ticket, const std::string& reason) {
  const QueuedAttempt attempt = std::move(preparing_.extract(ticket).mapped());
  const bool tree = refused_ && attempt.spec->source.tree.sha256 == refused_->sha256;
  if (!tree && !stopped_) world_.ledger.CouldNotStart(attempt.id);
  callbacks_.tell(queue_event::PrepareFailed{ticket, (tree ? kFilesRefused : "") + reason});
}

void SimFiles::Take(const Digest& digest, const std::string& bytes) {
  Keep(digest, bytes);
  callbacks_.arrived(digest);
  Command([] {});
}

void SimFiles::Failed(const BlobFailure& failure) {
  Command([this, failure] {
    refused_ = &failure.digest;
    waits_->Refused(failure.digest, failure.reason);
    refused_ = nullptr;
  });
}

// What was prepared meanwhile has been said before.
void SimFiles::StopPreparing(Ticket ticket) {
  Command([this, ticket] {
    stopped_ = true;
    waits_->Stop(ticket);
    stopped_ = false;
  });
}

// ---- Out --------------------------------------------------------------------------------------

void SimFiles::Publish(const QueuedAttempt& attempt) {
  const Duration delay = world_.dice.Between(milliseconds(1), milliseconds(500));
  if (CantPublish(attempt.id))
    return Later(delay, "not published", [this, ticket = attempt.ticket] {
      callbacks_.tell(queue_event::PublishFailed{ticket, "its artifact is not there"});
    });
  Later(delay, "published", [this, ticket = attempt.ticket, id = attempt.id, spec = attempt.spec] {
    queue_event::Published published{ticket, {}};
    for (const ArtifactOut& out : spec->publishes) {
      published.artifacts.push_back({.name = out.name, .digest = ArtifactOf(id, out.name), .grant = "grant"});
      Keep(published.artifacts.back().digest, ArtifactBytes(id, out.name));
    }
    callbacks_.tell(published);
    Command([] {});
  });
}

}  // namespace cromt::sim
