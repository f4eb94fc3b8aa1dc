#include "agent/workspaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "core/script.h"
#include "io/archive/extract.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Entries but "." and ".."; false if the directory can't be read.
bool IsEmptyDir(const std::string& path) {
  std::unique_ptr<DIR, CloseDir> dir(opendir(path.c_str()));
  if (!dir) return false;
  for (int seen = 0; readdir(dir.get()) != nullptr;)
    if (++seen > 2) return false;
  return true;
}

Status WriteScript(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700));
  if (!fd) return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  for (std::string_view rest = text; !rest.empty();) {
    ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write " + path, errno));
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

bool NeedsScriptFile(const TaskSpec& spec) {
  const auto* script = std::get_if<Script>(&spec.work);
  return script && !ScriptArgv(script->text);
}

Result<Workspaces> Workspaces::Open(const std::string& dir, uint32_t slots) {
  CROMT_TRY(MakeDirs(dir));
  Workspaces workspaces(dir);
  for (uint32_t slot = 0; slot < slots; ++slot) {
    // The directory is the job's working directory: it must be there, and only then be emptied.
    if (::mkdir(workspaces.Path(slot).c_str(), 0700) != 0 && errno != EEXIST)
      return tl::unexpected<Error>(ErrnoError("can't make " + workspaces.Path(slot), errno));
  }
  return workspaces;
}

std::string Workspaces::Path(uint32_t slot) const {
  return fmt::format("{}/slot-{}", dir_, slot);
}
std::string Workspaces::ScriptPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.run", dir_, slot);
}

Status Workspaces::Stage(uint32_t slot, const TaskSpec& spec, const BlobStore& blobs) const {
  if (!IsClean(slot)) CROMT_TRY(Clean(slot));
  if (!spec.source.tree.empty()) {
    CROMT_ASSIGN(UniqueFd tree, blobs.Read(spec.source.tree));
    auto extracted = ExtractArchive(tree.get(), Path(slot));
    if (!extracted) return Fail("the files of " + spec.source.repository + " can't be unpacked", extracted.error());
  }
  if (NeedsScriptFile(spec)) CROMT_TRY(WriteScript(ScriptPath(slot), std::get<Script>(spec.work).text));
  return {};
}

bool Workspaces::IsClean(uint32_t slot) const {
  return IsEmptyDir(Path(slot));
}

Status Workspaces::Clean(uint32_t slot) const {
  ::unlink(ScriptPath(slot).c_str());
  // remove_all works with openat and unlinkat relative to open directories and does not follow links.
  std::error_code error;
  std::filesystem::remove_all(Path(slot), error);
  if (!error && ::mkdir(Path(slot).c_str(), 0700) != 0) error = std::error_code(errno, std::generic_category());
  if (error) return Fail(ErrorCode::kInternal, fmt::format("can't empty {}: {}", Path(slot), error.message()));
  return {};
}

}  // namespace cromt
