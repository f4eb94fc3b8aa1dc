#include "io/git/cache.h"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "base/name.h"
#include "io/blob/sha256.h"
#include "io/git/private_file.h"
#include "io/git/tree_record.h"

namespace cromt {

namespace fs = std::filesystem;
using git::HelperProcess;
using git::Reply;

struct GitCache::Call {
  GitUrl url;
  std::string ref;
  fs::path folder;  // DIR/KEY
  const OnProgress& on_progress;
  std::stop_token stop;
  Mono deadline;
  Duration timeout = {};    // that it comes of
  bool looks = false;       // and fetches nothing
  std::string pushed = {};  // what is meant by the ref; empty = what it names now
  bool waiting_for_lock = true;
  bool killed = false;  // the helper, by somebody: not by what it was given
  git::Progress progress = {};
  std::string password = {};                    // what no message may hold
  std::string asked = {};                       // the URL before rewriting: what submodules are relative to
  std::vector<git::Submodule> submodules = {};  // of the commit
  int depth = 0;                                // of submodules within submodules
  size_t* fetched_submodules = nullptr;         // of the whole tree

  fs::path mirror() const { return folder / "mirror"; }
  std::string What() const { return ref.empty() ? url.shown : fmt::format("{}, ref {}", url.shown, Quote(ref)); }
};

namespace {

Mono Later(Duration duration) {
  return SystemClock().Read().mono + duration;
}

uint32_t SecondsUntil(Mono deadline) {
  return static_cast<uint32_t>(std::max<int64_t>(0, (deadline - SystemClock().Read().mono).count()) / 1'000'000 + 2);
}

constexpr size_t kShortestSecret = 4;  // what is shorter would be found in any text

// What libgit2 says is shown to people; it must not repeat what was told to a server.
void Mask(const std::string& secret, std::string& text) {
  if (secret.size() < kShortestSecret) return;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) text.replace(at, secret.size(), "***");
}

Status MakeFolder(const fs::path& folder, const GitUrl& url) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return tl::unexpected<Error>(ErrnoError(folder.string(), error.value()));
  if (!fs::exists(folder / "url", error)) std::ofstream(folder / "url") << url.identity << '\n';
  return {};
}

}  // namespace

// The URL to clone. file:// is for whoever runs the coordinator: a job file reaches it only by a rewrite rule or
// under allow_local, else every author of a job file could read the coordinator's disk.
Result<GitUrl> GitCache::Accept(std::string_view url) const {
  CROMT_ASSIGN(GitUrl asked, ParseGitUrl(url));
  const std::string rewritten = Rewrite(asked.text, settings_.rewrites);
  const bool is_rewritten = rewritten != asked.text;
  if (is_rewritten) {
    auto parsed = ParseGitUrl(rewritten);
    if (!parsed) return Fail(fmt::format("{} is rewritten by the configuration", asked.shown), parsed.error());
    asked = std::move(*parsed);
  }
  if (asked.transport == GitTransport::kFile && !settings_.allow_local && !is_rewritten) {
    return Fail(ErrorCode::kDenied, fmt::format("Git URL {}: repositories of the coordinator's own disk are not "
                                                "allowed; the configuration may allow them (allow_local_git)",
                                                Quote(asked.shown)));
  }
  return asked;
}

Result<GitCache::Resolved> GitCache::Resolve(std::string_view url, std::string_view ref, const OnProgress& on_progress,
                                             std::stop_token stop, std::string_view pushed) {
  size_t fetched_submodules = 0;
  CROMT_ASSIGN(Call call, MakeCall(url, ref, on_progress, std::move(stop)));
  if (!pushed.empty() && !IsCommit(pushed))
    return Fail(ErrorCode::kInvalid, fmt::format("{} is no commit of 40 hex digits", Quote(pushed)));
  call.pushed = pushed;
  call.timeout = settings_.timeout;
  call.deadline = Later(call.timeout);
  call.fetched_submodules = &fetched_submodules;
  return Resolve(call);
}

Result<GitCache::Call> GitCache::MakeCall(std::string_view url, std::string_view ref, const OnProgress& on_progress,
                                          std::stop_token stop) const {
  CROMT_ASSIGN(GitUrl accepted, Accept(url));
  CROMT_TRY(CheckGitRef(ref));
  fs::path folder = directory_ / Sha256Hex(accepted.identity);
  Call call{
      std::move(accepted), std::string(ref == "HEAD" ? "" : ref), std::move(folder), on_progress, std::move(stop), {}};
  call.asked = ParseGitUrl(url)->text;
  return call;
}

Result<GitCache::Resolved> GitCache::Resolve(Call& call) {
  CROMT_TRY(MakeFolder(call.folder, call.url));
  constexpr int kMostKilled = 3;
  // One that is killed may leave a mirror behind that is none, and so may the one that makes it anew.
  bool rebuild = false;
  auto resolved = ResolveOnce(call, rebuild);
  for (int killed = 0; !resolved;) {
    const bool is_broken = resolved.error().code == ErrorCode::kCorrupt && !rebuild;
    if (!is_broken && (!std::exchange(call.killed, false) || ++killed == kMostKilled)) break;
    rebuild |= is_broken;
    resolved = ResolveOnce(call, rebuild);
  }
  if (resolved) CROMT_TRY(AddSubmodules(call, *resolved));
  return resolved;
}

// ---- Submodules -------------------------------------------------------------------------------

// Where to fetch it from; an error says why it is not fetched.
Result<std::string> GitCache::SubmoduleUrl(const Call& call, const git::Submodule& module) const {
  if (settings_.submodules.empty())
    return Fail(ErrorCode::kDenied, "submodules are not fetched; git.submodules may allow them");
  if (module.url.empty()) return Fail(ErrorCode::kNotFound, ".gitmodules plainly says no URL for it");
  CROMT_ASSIGN(std::string text, git::ResolveSubmoduleUrl(call.asked, module.url));
  CROMT_ASSIGN(const GitUrl url, ParseGitUrl(text));
  for (const GitUrl& prefix : settings_.submodules)
    if (IsUnder(url, prefix)) return text;
  return Fail(ErrorCode::kDenied, fmt::format("git.submodules does not allow {}", url.shown));
}

Status GitCache::AddSubmodules(Call& call, Resolved& resolved) {
  constexpr size_t kMaxNotes = 10;
  std::vector<git::TreePart> parts;
  std::vector<std::string> notes;
  for (const git::Submodule& module : call.submodules) {
    const std::string name = fmt::format("submodule {}", Quote(module.path));
    auto url = SubmoduleUrl(call, module);
    if (!url) {
      notes.push_back(fmt::format("{} is left empty: {}", name, url.error().message));
      continue;
    }
    if (call.depth == git::kMaxSubmoduleDepth || ++*call.fetched_submodules > git::kMaxSubmodules)
      return Fail(ErrorCode::kExhausted, fmt::format("{}: {}: more than {} submodules, or more than {} deep",
                                                     call.What(), name, git::kMaxSubmodules, git::kMaxSubmoduleDepth));
    auto inner = MakeCall(*url, module.commit, call.on_progress, call.stop);
    if (!inner) return Fail(fmt::format("{}: {}", call.What(), name), inner.error());
    inner->deadline = call.deadline;
    inner->timeout = call.timeout;
    inner->depth = call.depth + 1;
    inner->fetched_submodules = call.fetched_submodules;
    auto part = Resolve(*inner);
    if (!part) return Fail(fmt::format("{}: {}", call.What(), name), part.error());
    for (const std::string& note : part->notes) notes.push_back(fmt::format("{}: {}", name, note));
    resolved.fetched_bytes += part->fetched_bytes;
    parts.push_back({module.path, std::move(part->tree)});
  }
  for (size_t i = 0; i < notes.size() && i < kMaxNotes; ++i) resolved.notes.push_back(std::move(notes[i]));
  if (notes.size() > kMaxNotes)
    resolved.notes.push_back(fmt::format("and {} more submodules", notes.size() - kMaxNotes));
  if (parts.empty()) return {};
  CROMT_ASSIGN(resolved.tree, Join(call, resolved.tree, parts));
  return {};
}

// The tree with its submodules in it, made once.
Result<Digest> GitCache::Join(const Call& call, const Digest& tree, const std::vector<git::TreePart>& parts) {
  std::string what = tree.sha256;
  for (const git::TreePart& part : parts) what += fmt::format("\n{} {}", part.tree.sha256, part.path);
  const fs::path file = call.folder / "trees" / Sha256Hex(what);
  if (auto record = git::ReadTreeRecord(file); record && blobs_.Has(record->tree)) return record->tree;
  auto joined = git::JoinTrees(blobs_, tree, parts, settings_.max_files, settings_.max_tree_bytes);
  if (!joined) return Fail(call.What(), joined.error());
  git::WriteTreeRecord(file, {*joined, {}});
  return joined;
}

Result<GitCache::Resolved> GitCache::ResolveOnce(Call& call, bool rebuild) {
  CROMT_ASSIGN(git::Fetched fetched, Fetch(call, rebuild));
  Resolved resolved{fetched.commit, fetched.branch, {}, {}, call.progress.received_bytes};
  const fs::path file = call.folder / "trees" / fetched.commit;
  // To ask counts as use: who resolves it has a day to name it in a plan.
  if (auto record = git::ReadTreeRecord(file); record && blobs_.Has(record->tree)) {
    resolved.tree = record->tree;
    call.submodules = std::move(record->submodules);
    return resolved;
  }
  CROMT_TRY(Pack(call, resolved));
  git::WriteTreeRecord(file, {resolved.tree, call.submodules});
  return resolved;
}

// The next reply that is not about waiting or progress; errors say what was asked for.
Result<Reply> GitCache::Next(Call& call, HelperProcess& helper) {
  Mono silence = call.deadline;
  for (bool heard = true;;) {
    if (heard) silence = call.waiting_for_lock ? call.deadline : Later(settings_.silence_timeout);
    const Mono end = std::min(call.deadline, silence), pause = Later(settings_.progress_interval);
    auto reply = helper.Next(std::min(end, pause), call.stop);
    heard = reply || reply.error().code != ErrorCode::kTimeout;
    if (!heard && pause < end) {
      if (call.on_progress) call.on_progress(call.progress);
      continue;
    }
    if (!reply && reply.error().code == ErrorCode::kTimeout) {
      const bool at_end = call.deadline <= silence;
      return Fail(ErrorCode::kTimeout,
                  fmt::format("{}: {} {}, after {} bytes; check the address{}", call.What(),
                              at_end ? "not done within" : "the server said nothing for",
                              FormatDuration(at_end ? call.timeout : settings_.silence_timeout),
                              call.progress.received_bytes, call.looks ? "" : ", or raise git.timeout"));
    }
    if (!reply) {
      call.killed = reply.error().code == ErrorCode::kUnavailable;
      return Fail(call.What(), reply.error());
    }
    if (auto* failed = std::get_if<git::Failed>(&*reply)) {
      Mask(call.password, failed->error.message);
      return tl::unexpected<Error>(std::move(failed->error));
    }
    if (std::holds_alternative<git::Started>(*reply)) {
      call.waiting_for_lock = false;
    } else if (auto* progress = std::get_if<git::Progress>(&*reply)) {
      call.progress = *progress;
      if (call.on_progress) call.on_progress(*progress);
    } else {
      return reply;
    }
  }
}

Result<HelperProcess> GitCache::StartHelper(Call& call, const git::Request& request) const {
  auto helper = HelperProcess::Start(settings_.helper, request);
  call.killed = !helper && helper.error().code == ErrorCode::kUnavailable;
  return helper;
}

Result<git::FetchRequest> GitCache::FetchRequestOf(Call& call) const {
  git::FetchRequest request;
  request.url = call.url.text;
  request.shown = call.url.shown;
  request.ref = call.ref;
  request.commit = call.pushed;
  CROMT_TRY(SetAccess(call, request));
  request.max_memory_bytes = settings_.max_memory_bytes;
  request.timeout_s = SecondsUntil(call.deadline);
  return request;
}

Result<git::Fetched> GitCache::Fetch(Call& call, bool rebuild) {
  CROMT_ASSIGN(git::FetchRequest request, FetchRequestOf(call));
  request.mirror = call.mirror().string();
  request.rebuild = rebuild;
  request.max_pack_bytes = settings_.max_pack_bytes;
  request.unpack_ms = static_cast<uint32_t>(settings_.unpack_allowance / milliseconds(1));
  request.max_objects = settings_.max_objects;
  request.max_packs = settings_.max_packs;
  return AskForCommit(call, std::move(request));
}

Result<git::Fetched> GitCache::AskForCommit(Call& call, const git::Request& request) {
  call.waiting_for_lock = true;
  CROMT_ASSIGN(HelperProcess helper, StartHelper(call, request));
  CROMT_ASSIGN(Reply reply, Next(call, helper));
  auto* fetched = std::get_if<git::Fetched>(&reply);
  if (fetched == nullptr || !IsCommit(fetched->commit)) {
    return Fail(ErrorCode::kInternal,
                fmt::format("{}: the git helper gave an answer to another question", call.What()));
  }
  return std::move(*fetched);
}

std::string GitCache::ServerOf(std::string_view url) const {
  const auto accepted = Accept(url);
  if (!accepted) return std::string(url);
  return accepted->host.empty() ? accepted->identity : fmt::format("{}:{}", accepted->host, accepted->port);
}

Result<std::string> GitCache::Look(std::string_view url, std::string_view ref, std::stop_token stop) {
  const OnProgress none;
  CROMT_ASSIGN(Call call, MakeCall(url, ref, none, std::move(stop)));
  call.looks = true;
  call.timeout = std::min(settings_.timeout, settings_.look_timeout);
  call.deadline = Later(call.timeout);
  const fs::path folder = call.folder / "look";
  CROMT_TRY(MakeFolder(call.folder, call.url));
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return tl::unexpected<Error>(ErrnoError(folder.string(), error.value()));
  CROMT_ASSIGN(git::FetchRequest request, FetchRequestOf(call));
  request.mirror = (folder / "mirror").string();
  CROMT_ASSIGN(git::Fetched fetched, AskForCommit(call, git::ListRequest{std::move(request)}));
  return std::move(fetched.commit);
}

Status GitCache::SetAccess(Call& call, git::FetchRequest& request) const {
  request.host = call.url.host;
  request.port = call.url.port;
  if (call.url.transport == GitTransport::kHttp || call.url.transport == GitTransport::kHttps) {
    CROMT_ASSIGN(auto login, FindLogin(call.url, settings_.logins));
    if (login) {
      request.user = std::move(login->user);
      request.password = call.password = std::move(login->password);
      request.login_of = std::move(login->prefix);
    }
    request.ca_file = settings_.ca_file;
  } else if (call.url.transport == GitTransport::kSsh) {
    for (const std::string& key : settings_.ssh_keys)
      if (auto good = CheckPrivateFile(key); !good) return Fail(call.url.shown + ": git.ssh_keys", good.error());
    request.by_ssh = true;
    request.ssh_keys = settings_.ssh_keys;
    request.known_hosts = settings_.known_hosts;
  }
  return {};
}

Status GitCache::Pack(Call& call, Resolved& resolved) {
  git::PackRequest request;
  request.shown = call.url.shown;
  request.mirror = call.mirror().string();
  request.commit = resolved.commit;
  request.max_files = settings_.max_files;
  request.max_tree_bytes = settings_.max_tree_bytes;
  request.max_memory_bytes = settings_.max_memory_bytes;
  request.timeout_s = SecondsUntil(call.deadline);
  call.waiting_for_lock = true;
  CROMT_ASSIGN(BlobWriter writer, blobs_.Write());
  CROMT_ASSIGN(HelperProcess helper, StartHelper(call, request));
  while (true) {
    CROMT_ASSIGN(Reply reply, Next(call, helper));
    if (auto* chunk = std::get_if<git::Chunk>(&reply)) {
      // The helper keeps to the limit; a helper taken over by what it parses is held to it here.
      if (writer.size_bytes() + static_cast<int64_t>(chunk->bytes.size()) > settings_.max_tree_bytes) {
        return Fail(ErrorCode::kExhausted, fmt::format("{}: the files of commit {} take more than {} bytes",
                                                       call.What(), resolved.commit, settings_.max_tree_bytes));
      }
      CROMT_TRY(writer.Append(chunk->bytes));
    } else if (auto* packed = std::get_if<git::Packed>(&reply)) {
      call.submodules = std::move(packed->submodules);
      CROMT_ASSIGN(resolved.tree, writer.Commit());
      return {};
    } else {
      return Fail(ErrorCode::kInternal,
                  fmt::format("{}: the git helper gave an answer to another question", call.What()));
    }
  }
}

}  // namespace cromt
