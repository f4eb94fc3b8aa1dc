// The coordinator's artifacts as people ask for them: listed from the store, fetched from who holds them.
#include <unistd.h>

#include <cerrno>
#include <future>

#include "base/name.h"
#include "coordinator/coordinator.h"

namespace cromt {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

// The one of this name, of this host or of the last listed.
Result<StoreReader::StoredArtifact> Choose(std::vector<StoreReader::StoredArtifact> artifacts, const std::string& host,
                                           const std::string& name) {
  std::vector<std::string_view> names;
  for (auto& artifact : artifacts) names.push_back(artifact.view.name);
  for (auto one = artifacts.rbegin(); one != artifacts.rend(); ++one)
    if (one->view.name == name && (host.empty() || one->view.host == host)) return std::move(*one);
  return Fail(ErrorCode::kNotFound, "the run has published no " + Quote(name) + (host.empty() ? "" : " on " + host) +
                                        DidYouMean(name, names));
}

Status GiveOut(int blob, const std::function<Status(std::string_view)>& sink) {
  std::string buffer(kChunkBytes, '\0');
  for (;;) {
    ssize_t n = ::read(blob, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read an artifact", errno));
    if (n == 0) return {};
    CROMT_TRY(sink({buffer.data(), static_cast<size_t>(n)}));
  }
}

}  // namespace

Result<std::vector<ArtifactView>> Coordinator::ListArtifacts(const std::string& run, const std::string& author) {
  return WithReader([&](StoreReader& reader) -> Result<std::vector<ArtifactView>> {
    CROMT_ASSIGN(RunId id, reader.Resolve(run, author));
    CROMT_ASSIGN(auto artifacts, reader.Artifacts(id));
    std::vector<ArtifactView> views;
    for (auto& artifact : artifacts) views.push_back(std::move(artifact.view));
    return views;
  });
}

Status Coordinator::GetArtifact(const std::string& run, const std::string& host, const std::string& name,
                                const std::string& author, const std::function<Status(const ArtifactView&)>& begin,
                                const std::function<Status(std::string_view)>& sink) {
  CROMT_ASSIGN(auto artifacts, WithReader([&](StoreReader& reader) -> Result<std::vector<StoreReader::StoredArtifact>> {
                 CROMT_ASSIGN(RunId id, reader.Resolve(run, author));
                 return reader.Artifacts(id);
               }));
  CROMT_ASSIGN(auto artifact, Choose(std::move(artifacts), host, name));
  const Digest& digest = artifact.view.digest;
  const bool brought = !blobs_->Has(digest);
  if (brought) {
    auto fetched = std::make_shared<std::promise<Status>>();
    transport_->FetchBlob(artifact.from, [fetched](const Status& status) { fetched->set_value(status); });
    CROMT_TRY(fetched->get_future().get());  // the fetcher gives up what does not move
  }
  CROMT_ASSIGN(UniqueFd blob, blobs_->Read(digest));
  if (brought) (void)blobs_->Remove(digest);  // its holder has it; what is open stays readable
  CROMT_TRY(begin(artifact.view));
  return GiveOut(blob.get(), sink);
}

}  // namespace cromt
