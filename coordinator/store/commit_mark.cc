#include "coordinator/store/commit_mark.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <tuple>

namespace cromt {
namespace {

// One write of one size: no shorter text leaves the end of a longer one.
constexpr size_t kMarkBytes = 512;

std::string MarkPath(const std::string& store_path) {
  return store_path + "-mark";
}

constexpr char kRecover[] =
    "; put a backup in its place (cromt-coordinator restore FILE), or go on with what is there "
    "(cromt-coordinator recover)";

}  // namespace

Result<CommitMark> CommitMark::Open(const std::string& store_path, FileSystem& files) {
  CommitMark mark;
  mark.files_ = &files;
  mark.path_ = MarkPath(store_path);
  mark.file_ = files.Open(mark.path_, O_RDWR | O_CREAT, 0600);
  if (!mark.file_) return tl::unexpected<Error>(ErrnoError("can't open " + mark.path_, errno));
  return mark;
}

Result<std::optional<StoreStamp>> CommitMark::Read(const std::string& store_path, FileSystem& files) {
  const std::string path = MarkPath(store_path);
  const std::unique_ptr<File> file = files.Open(path, O_RDONLY);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  std::string text(kMarkBytes + 1, '\0');
  ssize_t n = file->Read(text.data(), text.size(), 0);
  if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read " + path, errno));
  text.resize(static_cast<size_t>(n));
  if (text.find_first_not_of('\0') == text.npos) return std::nullopt;  // made and not yet written
  auto stamp = StoreStamp::From(text.substr(0, text.find_last_not_of(" \n") + 1));
  if (!stamp || text.size() != kMarkBytes || text.back() != '\n' || text.find('\n') != kMarkBytes - 1)
    return Fail(ErrorCode::kCorrupt,
                path + " is damaged, so that nobody can tell whether the store is whole" + kRecover);
  return *stamp;
}

Status CommitMark::Write(const StoreStamp& stamp) {
  const std::string text = fmt::format("{:<{}}\n", stamp.Text(), kMarkBytes - 1);
  for (size_t done = 0; done < text.size();) {
    const ssize_t put = file_->Write(text.data() + done, text.size() - done, done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return tl::unexpected<Error>(ErrnoError("can't write " + path_, put < 0 ? errno : ENOSPC));
    done += static_cast<size_t>(put);
  }
  return {};
}

Status CommitMark::Sync() {
  if (file_->SyncData() != 0) return tl::unexpected<Error>(ErrnoError("can't sync " + path_, errno));
  const std::string folder = DirectoryOf(path_);
  if (files_->SyncDirectory(folder) != 0) return tl::unexpected<Error>(ErrnoError("can't sync " + folder, errno));
  return {};
}

Status CheckMark(const std::string& store_path, const StoreStamp& stamp, const std::optional<StoreStamp>& mark) {
  auto fail = [](const std::string& what) { return Fail(ErrorCode::kCorrupt, what + kRecover); };
  if (stamp.epoch == 0 && (!mark || mark->epoch == 0)) return {};  // nothing was done with it yet
  if (!mark) {
    return fail(fmt::format("{}, which says what the last commit was, is missing: was only a part of the store copied?",
                            MarkPath(store_path)));
  }
  if (mark->mesh != stamp.mesh)
    return fail(fmt::format("{} is of mesh {} and {} of mesh {}: the store is not the one that was here", store_path,
                            stamp.mesh.text(), MarkPath(store_path), mark->mesh.text()));
  if (mark->epoch > stamp.epoch || mark->commit > stamp.commit)
    return fail(
        fmt::format("{} is at commit {} of epoch {}, but commit {} of epoch {} was made: its newest part is gone "
                    "({}-wal cut short or left behind, or an older copy put here)",
                    store_path, stamp.commit, stamp.epoch, mark->commit, mark->epoch, store_path));
  if (mark->epoch == stamp.epoch && mark->commit == stamp.commit && !(*mark == stamp))
    return fail(fmt::format("{} is at commit {}, but not at the one that was made under this number", store_path,
                            stamp.commit));
  return {};
}

}  // namespace cromt
