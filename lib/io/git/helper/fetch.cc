#include "io/git/helper/fetch.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "io/git/helper/access.h"
#include "io/git/helper/failure.h"
#include "io/git/helper/limits.h"
#include "io/git/helper/mirror.h"
#include "io/git/helper/refs.h"

namespace cromt::git {

namespace {

// While a server lists its refs, of which there may be any number: some millions.
constexpr int64_t kListingBytes = int64_t{1} << 30;

// What the callbacks of one fetch share.
struct Transfer {
  const FetchRequest& request;
  Reporter& reporter;
  Access& access;
  Progress progress = {};
  std::optional<Error> refused;  // why a callback ended the transfer
};

int64_t ProcessorMs() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) { return int64_t{t.tv_sec} * 1000 + t.tv_usec / 1000; };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

int OnTransfer(const git_indexer_progress* now, void* payload) {
  auto& transfer = *static_cast<Transfer*>(payload);
  transfer.progress = {static_cast<int64_t>(now->received_bytes), now->received_objects, now->total_objects};
  transfer.reporter.SendProgress(transfer.progress);
  const FetchRequest& request = transfer.request;
  if (transfer.progress.received_bytes > request.max_pack_bytes) {
    transfer.refused =
        Error{ErrorCode::kExhausted, fmt::format("{}: it sends more than {} bytes; the limit is git.max_fetch_bytes",
                                                 request.shown, request.max_pack_bytes)};
  } else if (now->total_objects > request.max_objects) {
    transfer.refused =
        Error{ErrorCode::kExhausted, fmt::format("{}: it sends {} objects, git.max_objects is {}", request.shown,
                                                 now->total_objects, request.max_objects)};
  } else if (ProcessorMs() > request.unpack_ms + (transfer.progress.received_bytes >> 20) * 1000) {
    transfer.refused =
        Error{ErrorCode::kExhausted,
              fmt::format("{}: it sends a pack that holds far more than its size: {} bytes took {} ms to "
                          "unpack so far",
                          request.shown, transfer.progress.received_bytes, ProcessorMs())};
  }
  return transfer.refused ? GIT_EUSER : 0;
}

// The server says that it works; what it says is for a terminal and not kept.
int OnServerText(const char*, int, void* payload) {
  auto& transfer = *static_cast<Transfer*>(payload);
  transfer.reporter.SendProgress(transfer.progress);
  return 0;
}

int OnCredentials(git_credential** out, const char*, const char* user, unsigned allowed, void* payload) {
  return static_cast<Transfer*>(payload)->access.OfferLogin(out, user, allowed);
}

int OnCertificate(git_cert* cert, int, const char*, void* payload) {
  return static_cast<Transfer*>(payload)->access.CheckServer(*cert);
}

git_fetch_options OptionsFor(Transfer& transfer) {
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks.transfer_progress = OnTransfer;
  options.callbacks.sideband_progress = OnServerText;
  options.callbacks.credentials = OnCredentials;
  options.callbacks.certificate_check = OnCertificate;
  options.callbacks.payload = &transfer;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.update_fetchhead = 0;
  options.proxy_opts.type = GIT_PROXY_AUTO;
  // A password must not travel to another host (NONE still follows within one); without one, a moved repository
  // may be found.
  options.follow_redirects = transfer.request.user.empty() ? GIT_REMOTE_REDIRECT_INITIAL : GIT_REMOTE_REDIRECT_NONE;
  return options;
}

Error ConnectFailure(const Transfer& transfer, int code) {
  if (transfer.access.refused()) return *transfer.access.refused();
  if (auto key = transfer.access.UnusableKey()) return *key;
  return RemoteFailure(transfer.request.shown, code);
}

// A mirror is needed only for what is to be downloaded.
Result<RemoteHandle> ConnectOnce(git_repository* mirror, Transfer& transfer) {
  git_remote* made = nullptr;
  const char* url = transfer.request.url.c_str();
  const int created = mirror ? git_remote_create_anonymous(&made, mirror, url) : git_remote_create_detached(&made, url);
  if (created != 0) return tl::unexpected<Error>(RemoteFailure(transfer.request.shown, created));
  RemoteHandle remote(made);
  const git_fetch_options fetch = OptionsFor(transfer);
  git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  options.callbacks = fetch.callbacks;
  options.proxy_opts = fetch.proxy_opts;
  options.follow_redirects = fetch.follow_redirects;
  if (int code = git_remote_connect_ext(remote.get(), GIT_DIRECTION_FETCH, &options); code != 0) {
    return tl::unexpected<Error>(ConnectFailure(transfer, code));
  }
  return remote;
}

Result<RemoteHandle> Connect(git_repository* mirror, Transfer& transfer) {
  for (const std::string& type : transfer.access.types()) {
    CROMT_TRY(transfer.access.Prefer(type));
    auto remote = ConnectOnce(mirror, transfer);
    if (remote || type.empty() || !transfer.access.IsOtherType()) return remote;
  }
  return Fail(ErrorCode::kInternal, transfer.request.shown + ": there is no way to connect");
}

Result<std::vector<AdvertisedRef>> ListRefs(git_remote* remote, const FetchRequest& request) {
  const git_remote_head** heads = nullptr;
  size_t count = 0;
  if (int code = git_remote_ls(&heads, &count, remote); code != 0) {
    return tl::unexpected<Error>(RemoteFailure(request.shown, code));
  }
  std::vector<AdvertisedRef> refs;
  for (size_t i = 0; i < count; ++i) {
    refs.push_back({heads[i]->name, Hex(heads[i]->oid), heads[i]->symref_target ? heads[i]->symref_target : ""});
  }
  return refs;
}

bool Holds(git_repository* mirror, const git_oid& id) {
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, mirror) != 0) return false;
  return git_odb_exists(OdbHandle(odb).get(), &id) == 1;
}

Status Download(git_remote* remote, const std::vector<std::string>& names, Transfer& transfer) {
  std::vector<char*> specs;
  for (const std::string& name : names) specs.push_back(const_cast<char*>(name.c_str()));
  const git_strarray wanted{specs.data(), specs.size()};
  const git_fetch_options options = OptionsFor(transfer);
  int code = git_remote_download(remote, &wanted, &options);
  if (code == 0) return {};
  if (transfer.refused) return tl::unexpected<Error>(*transfer.refused);
  if (transfer.access.refused()) return tl::unexpected<Error>(*transfer.access.refused());
  // In a mirror of before, a broken object looks like a broken transfer; a fresh one can't be to blame.
  if (IsAboutStorage() && !transfer.request.rebuild)
    return tl::unexpected<Error>(MirrorFailure(transfer.request.shown));
  return tl::unexpected<Error>(RemoteFailure(transfer.request.shown, code));
}

// All branches and tags, or the one ref; and a tip for each that arrived.
Status DownloadMissing(git_repository* mirror, git_remote* remote, const ChosenRef& chosen,
                       const std::vector<AdvertisedRef>& refs, Transfer& transfer) {
  const bool all = chosen.name.empty();
  auto is_wanted = [&](const std::string& name) {
    return all ? name.starts_with("refs/heads/") || name.starts_with("refs/tags/") : name == chosen.name;
  };
  if (all) {
    CROMT_TRY(Download(remote, {"refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"}, transfer));
  } else {
    CROMT_TRY(Download(remote, {chosen.name}, transfer));
  }
  for (const AdvertisedRef& ref : refs) {
    git_oid id;
    if (!is_wanted(ref.name) || git_oid_fromstr(&id, ref.id.c_str()) != 0 || !Holds(mirror, id)) continue;
    CROMT_TRY(SetTip(mirror, ref.name, id));
  }
  return {};
}

// Why the download went well and the object is not there: a mirror that believes it has what it lost, or a commit
// that the remote does not have.
Error Missing(git_repository* mirror, const ChosenRef& chosen, const std::vector<AdvertisedRef>& refs,
              const FetchRequest& request) {
  const bool has_tips = std::all_of(refs.begin(), refs.end(), [&](const AdvertisedRef& ref) {
    git_oid id;
    return !ref.name.starts_with("refs/heads/") || (git_oid_fromstr(&id, ref.id.c_str()) == 0 && Holds(mirror, id));
  });
  if (chosen.name.empty() && has_tips) {
    return Error{ErrorCode::kNotFound, fmt::format("commit {} is on no branch or tag of {}", chosen.id, request.shown)};
  }
  return Error{ErrorCode::kCorrupt, fmt::format("{}: {} names {}, which it does not send", request.shown,
                                                chosen.name.empty() ? "a branch" : chosen.name, chosen.id)};
}

Result<std::string> CommitOf(git_repository* mirror, const ChosenRef& chosen, const git_oid& id,
                             const FetchRequest& request) {
  const std::string what = chosen.name.empty() ? "commit " + chosen.id : chosen.name;
  git_object* object = nullptr;
  if (git_object_lookup(&object, mirror, &id, GIT_OBJECT_ANY) != 0) {
    return tl::unexpected<Error>(MirrorFailure(fmt::format("{}, {}", request.shown, what)));
  }
  ObjectHandle held(object);
  git_object* peeled = nullptr;
  if (git_object_peel(&peeled, object, GIT_OBJECT_COMMIT) != 0) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}: {} names no commit", request.shown, what));
  }
  return Hex(*git_object_id(ObjectHandle(peeled).get()));
}

}  // namespace

Result<Fetched> Fetch(const FetchRequest& request, Reporter& reporter) {
  CROMT_ASSIGN(UniqueFd lock, LockMirror(request.mirror, LockKind::kExclusive));
  reporter.Send(Started{});
  const bool rebuild = request.rebuild || CountPacks(request.mirror) > request.max_packs;
  CROMT_ASSIGN(RepositoryHandle mirror, OpenForFetch(request.mirror, rebuild));
  CROMT_ASSIGN(Access access, Access::For(request));
  Transfer transfer{request, reporter, access};
  BoundMemoryForNow(kListingBytes);
  CROMT_ASSIGN(RemoteHandle remote, Connect(mirror.get(), transfer));
  CROMT_ASSIGN(auto refs, ListRefs(remote.get(), request));
  BoundMemoryForNow(request.max_memory_bytes);
  CROMT_ASSIGN(ChosenRef chosen, ChooseRef(request.ref, refs, request.shown));
  if (!request.commit.empty()) chosen.id = request.commit;
  git_oid id;
  if (git_oid_fromstr(&id, chosen.id.c_str()) != 0) {
    return Fail(ErrorCode::kInternal, fmt::format("{}: an id that is none", request.shown));
  }
  if (!Holds(mirror.get(), id)) {
    CROMT_TRY(DownloadMissing(mirror.get(), remote.get(), chosen, refs, transfer));
    if (!request.commit.empty() && !Holds(mirror.get(), id)) {
      chosen.name.clear();  // the ref was moved back since: another may still have it
      CROMT_TRY(DownloadMissing(mirror.get(), remote.get(), chosen, refs, transfer));
    }
    if (!Holds(mirror.get(), id)) return tl::unexpected<Error>(Missing(mirror.get(), chosen, refs, request));
  }
  CROMT_ASSIGN(std::string commit, CommitOf(mirror.get(), chosen, id, request));
  reporter.Send(transfer.progress);
  return Fetched{std::move(commit), chosen.branch};
}

Result<Fetched> List(const FetchRequest& request, Reporter& reporter) {
  UniqueFd lock;  // of the home
  if (request.by_ssh) {
    CROMT_ASSIGN(lock, LockMirror(request.mirror, LockKind::kExclusive));
  }
  reporter.Send(Started{});
  CROMT_ASSIGN(Access access, Access::For(request));
  Transfer transfer{request, reporter, access};
  BoundMemoryForNow(kListingBytes);
  CROMT_ASSIGN(RemoteHandle remote, Connect(nullptr, transfer));
  CROMT_ASSIGN(auto refs, ListRefs(remote.get(), request));
  CROMT_ASSIGN(ChosenRef chosen, ChooseRef(request.ref, refs, request.shown));
  for (const AdvertisedRef& ref : refs)
    if (ref.name == chosen.name + "^{}") chosen.id = ref.id;  // what an annotated tag is of
  return Fetched{std::move(chosen.id), std::move(chosen.branch)};
}

}  // namespace cromt::git
