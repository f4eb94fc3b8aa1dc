#include "agent/collect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/name.h"
#include "io/archive/packer.h"

namespace cromt {
namespace {

using archive::CopyFile;
using archive::kMaxEntries;
using archive::NamesIn;
using archive::OpenBeneath;
using archive::Packer;

bool IsPattern(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

// What a pattern matches below `root`, in the order of the names. A dot at a name's beginning must be written.
Status Match(int root, const std::string& at, std::string_view rest, std::vector<std::string>& found) {
  size_t end = std::min(rest.find('/'), rest.size());
  const std::string part(rest.substr(0, end));
  std::string_view more = end < rest.size() ? rest.substr(end + 1) : std::string_view();
  auto go_on = [&](const std::string& path) -> Status {
    if (more.empty()) {
      found.push_back(path);
      if (found.size() > kMaxEntries) return Fail(ErrorCode::kExhausted, "the pattern matches too much");
      return {};
    }
    return Match(root, path, more, found);
  };
  if (part.empty() || part == ".") return more.empty() ? Status{} : Match(root, at, more, found);
  const std::string prefix = at.empty() ? "" : at + "/";
  if (!IsPattern(part)) {
    auto there = OpenBeneath(root, prefix + part, O_PATH | O_NOFOLLOW);
    return there ? go_on(prefix + part) : Status{};
  }
  auto names = NamesIn(root, at);
  if (!names) return names.error().code == ErrorCode::kNotFound ? Status{} : tl::unexpected<Error>(names.error());
  for (const std::string& name : *names)
    if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) CROMT_TRY(go_on(prefix + name));
  return {};
}

Result<PublishedArtifact> CollectAt(int root, const ArtifactOut& out, BlobStore& blobs) {
  PublishedArtifact artifact{.name = out.name};
  CROMT_ASSIGN(BlobWriter writer, blobs.Write());
  auto sink = [&](std::string_view bytes) { return writer.Append(bytes); };
  if (IsPattern(out.path)) {
    std::vector<std::string> found;
    CROMT_TRY(Match(root, "", out.path, found));
    if (found.empty()) return Fail(ErrorCode::kNotFound, Quote(out.path) + " matches nothing");
    artifact.archive = true;
    Packer packer(root, sink);
    for (const std::string& path : found) {
      CROMT_TRY(packer.AddParents(path));
      CROMT_TRY(packer.Add(path, path));
    }
    CROMT_TRY(packer.Finish());
  } else {
    CROMT_ASSIGN(UniqueFd fd, OpenBeneath(root, out.path, 0));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(out.path, errno));
    if (S_ISDIR(info.st_mode)) {
      artifact.archive = true;
      Packer packer(fd.get(), sink);
      CROMT_TRY(packer.Add(".", ""));
      CROMT_TRY(packer.Finish());
    } else if (S_ISREG(info.st_mode)) {
      CROMT_TRY(CopyFile(fd.get(), out.path, info, sink));
    } else {
      return Fail(ErrorCode::kInvalid, out.path + " is neither a file nor a directory");
    }
  }
  CROMT_ASSIGN(artifact.digest, writer.Commit());
  return artifact;
}

}  // namespace

Result<PublishedArtifact> Collect(const std::string& root, bool root_may_be_link, const ArtifactOut& out,
                                  BlobStore& blobs) {
  const int follow = root_may_be_link ? 0 : O_NOFOLLOW;
  UniqueFd dir(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
  const std::string context = fmt::format("artifact '{}'", out.name);
  if (!dir) return Fail(context, ErrnoError(root, errno));
  auto collected = CollectAt(dir.get(), out, blobs);
  if (!collected) return Fail(context, collected.error());
  return collected;
}

}  // namespace cromt
