#include "io/git/helper/pack.h"

#include <fmt/format.h>
#include <strings.h>

#include <set>

#include "base/name.h"
#include "io/archive/writer.h"
#include "io/git/helper/failure.h"
#include "io/git/helper/mirror.h"

namespace cromt::git {

namespace {

class TreePacker {
 public:
  TreePacker(git_repository* mirror, git_odb* odb, const PackRequest& request, Reporter& reporter)
      : mirror_(mirror), odb_(odb), request_(request), reporter_(reporter), writer_([this](std::string_view bytes) {
          return Send(bytes);
        }) {}

  // `folder` is the tree's own path with a '/' at its end, or empty. Its depth is bounded by CheckEntry.
  Status AddTree(const git_oid& id, const std::string& folder) {
    git_tree* found = nullptr;
    if (git_tree_lookup(&found, mirror_, &id) != 0) return Damaged(folder);
    TreeHandle tree(found);
    std::set<std::string_view> names;
    for (size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
      const std::string name = git_tree_entry_name(entry);
      if (strcasecmp(name.c_str(), ".git") == 0) return Refuse(folder + name, "a name that Git keeps for itself");
      if (name == "." || name == ".." || name.find('/') != name.npos)
        return Refuse(folder + name, "a name that no file has");
      if (!names.insert(git_tree_entry_name(entry)).second) return Refuse(folder + name, "a name that comes twice");
      if (++entries_ > request_.max_files) {
        return Fail(ErrorCode::kExhausted, fmt::format("{}: more than {} files in commit {}", request_.shown,
                                                       request_.max_files, request_.commit));
      }
      CROMT_TRY(AddEntry(*git_tree_entry_id(entry), git_tree_entry_filemode(entry), folder + name));
    }
    return {};
  }

  Result<Packed> Finish() {
    CROMT_TRY(writer_.Finish());
    reporter_.Flush();
    for (Submodule& module : submodules_) module.url = UrlIn(module_file_, module.path);
    return Packed{std::move(submodules_)};
  }

 private:
  Status AddEntry(const git_oid& id, git_filemode_t mode, const std::string& path) {
    switch (mode) {
      case GIT_FILEMODE_TREE: CROMT_TRY(Add({path, EntryKind::kDirectory, "", 0})); return AddTree(id, path + "/");
      case GIT_FILEMODE_BLOB: return AddFile(id, path, EntryKind::kFile);
      case GIT_FILEMODE_BLOB_EXECUTABLE: return AddFile(id, path, EntryKind::kExecutable);
      case GIT_FILEMODE_LINK: return AddLink(id, path);
      case GIT_FILEMODE_COMMIT: return AddSubmodule(id, path);
      default: return Refuse(path, fmt::format("an entry of unknown mode {:o}", static_cast<unsigned>(mode)));
    }
  }

  Status AddFile(const git_oid& id, const std::string& path, EntryKind kind) {
    CROMT_ASSIGN(size_t size, SizeOf(id, path));
    // Before the bytes are unpacked: a small pack can hold a huge file.
    if (size > static_cast<size_t>(std::max<int64_t>(0, request_.max_tree_bytes - sent_bytes_))) {
      return Fail(ErrorCode::kExhausted,
                  fmt::format("{}: with {} the files of commit {} take more than {} bytes", request_.shown, Quote(path),
                              request_.commit, request_.max_tree_bytes));
    }
    CROMT_TRY(Add({path, kind, "", static_cast<int64_t>(size)}));
    CROMT_ASSIGN(BlobHandle blob, Read(id, path));
    if (path == ".gitmodules" && size <= kMaxModuleFileBytes) module_file_ = Contents(blob);
    return writer_.Data(Contents(blob));
  }

  Status AddLink(const git_oid& id, const std::string& path) {
    CROMT_ASSIGN(size_t size, SizeOf(id, path));
    if (size > kMaxPathBytes) return Refuse(path, "a symbolic link with an overlong target");
    CROMT_ASSIGN(BlobHandle blob, Read(id, path));
    return Add({path, EntryKind::kSymlink, std::string(Contents(blob)), 0});
  }

  Status AddSubmodule(const git_oid& id, const std::string& path) {
    // All of them must fit in one reply.
    submodule_bytes_ += path.size();
    if (submodules_.size() == kMaxListedSubmodules || submodule_bytes_ > kMaxFrameBytes / 4)
      return Fail(ErrorCode::kExhausted,
                  fmt::format("{}, commit {}: more than {} submodules, or overlong names of them", request_.shown,
                              request_.commit, kMaxListedSubmodules));
    submodules_.push_back({path, git_oid_tostr_s(&id), ""});
    return Add({path, EntryKind::kDirectory, "", 0});
  }

  Status Add(const ArchiveEntry& entry) {
    auto added = writer_.Add(entry);
    if (!added && added.error().code == ErrorCode::kInvalid) {
      return Fail(fmt::format("{}, commit {}", request_.shown, request_.commit), added.error());
    }
    return added;
  }

  Status Send(std::string_view bytes) {
    sent_bytes_ += static_cast<int64_t>(bytes.size());
    reporter_.SendBytes(bytes);
    return {};
  }

  Result<size_t> SizeOf(const git_oid& id, const std::string& path) {
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (git_odb_read_header(&size, &type, odb_, &id) != 0) return tl::unexpected<Error>(Damaged(path).error());
    if (type != GIT_OBJECT_BLOB) return tl::unexpected<Error>(Refuse(path, "no file, though its mode says so").error());
    return size;
  }

  Result<BlobHandle> Read(const git_oid& id, const std::string& path) {
    git_blob* blob = nullptr;
    if (git_blob_lookup(&blob, mirror_, &id) != 0) return tl::unexpected<Error>(Damaged(path).error());
    return BlobHandle(blob);
  }

  static std::string_view Contents(const BlobHandle& blob) {
    return {static_cast<const char*>(git_blob_rawcontent(blob.get())),
            static_cast<size_t>(git_blob_rawsize(blob.get()))};
  }

  Status Refuse(const std::string& path, std::string_view why) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("{}, commit {}: {}: {}", request_.shown, request_.commit, Quote(path), why));
  }
  Status Damaged(const std::string& path) {
    return tl::unexpected<Error>(
        MirrorFailure(fmt::format("{}, commit {}, {}", request_.shown, request_.commit, Quote(path))));
  }

  git_repository* mirror_;
  git_odb* odb_;
  const PackRequest& request_;
  Reporter& reporter_;
  ArchiveWriter writer_;
  int64_t entries_ = 0;
  int64_t sent_bytes_ = 0;
  std::string module_file_;
  std::vector<Submodule> submodules_;
  size_t submodule_bytes_ = 0;
};

}  // namespace

Result<Packed> Pack(const PackRequest& request, Reporter& reporter) {
  CROMT_ASSIGN(UniqueFd lock, LockMirror(request.mirror, LockKind::kShared));
  reporter.Send(Started{});
  CROMT_ASSIGN(RepositoryHandle mirror, OpenForRead(request.mirror));
  git_odb* odb = nullptr;
  git_commit* commit = nullptr;
  git_oid id;
  if (git_oid_fromstr(&id, request.commit.c_str()) != 0 || git_repository_odb(&odb, mirror.get()) != 0) {
    return tl::unexpected<Error>(MirrorFailure(request.shown));
  }
  OdbHandle held_odb(odb);
  if (git_commit_lookup(&commit, mirror.get(), &id) != 0) return tl::unexpected<Error>(MirrorFailure(request.shown));
  CommitHandle held_commit(commit);
  TreePacker packer(mirror.get(), odb, request, reporter);
  CROMT_TRY(packer.AddTree(*git_commit_tree_id(commit), ""));
  return packer.Finish();
}

}  // namespace cromt::git
