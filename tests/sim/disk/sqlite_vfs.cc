#include "tests/sim/disk/sqlite_vfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace cromt::sim {
namespace {

// SQLite gives the memory for it and sees its first member only.
struct VfsFile {
  sqlite3_file base;
  SqliteVfs* vfs;
  std::unique_ptr<File> file;
  std::string path;
  int lock;
  bool sync_directory;  // with its first sync: it is new, and who finds it missing would take it for done with
  bool delete_on_close;
  bool mapped;
};

VfsFile& Of(sqlite3_file* file) {
  return *reinterpret_cast<VfsFile*>(file);
}
SqliteVfs& Of(sqlite3_vfs* vfs) {
  return *static_cast<SqliteVfs*>(vfs->pAppData);
}
SqliteVfs::Shared& SharedOf(VfsFile& f) {
  return f.vfs->shared(f.path);
}
int Failed(VfsFile& f, int code) {
  f.vfs->error = errno;
  return code;
}

// ---- Bytes ------------------------------------------------------------------------------------

int Read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  VfsFile& f = Of(file);
  char* bytes = static_cast<char*>(to);
  int done = 0;
  while (done < amount) {
    const ssize_t got =
        f.file->Read(bytes + done, static_cast<size_t>(amount - done), static_cast<uint64_t>(offset + done));
    if (got < 0) return Failed(f, SQLITE_IOERR_READ);
    if (got == 0) break;
    done += static_cast<int>(got);
  }
  if (done == amount) return SQLITE_OK;
  std::memset(bytes + done, 0, static_cast<size_t>(amount - done));
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  VfsFile& f = Of(file);
  const char* bytes = static_cast<const char*>(from);
  for (int done = 0; done < amount;) {
    const ssize_t put =
        f.file->Write(bytes + done, static_cast<size_t>(amount - done), static_cast<uint64_t>(offset + done));
    if (put < 0 && errno != ENOSPC) return Failed(f, SQLITE_IOERR_WRITE);
    if (put <= 0) return SQLITE_FULL;
    done += static_cast<int>(put);
  }
  return SQLITE_OK;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  VfsFile& f = Of(file);
  return f.file->Truncate(static_cast<uint64_t>(size)) == 0 ? SQLITE_OK : Failed(f, SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* file, int) {
  VfsFile& f = Of(file);
  if (f.file->Sync() != 0) return Failed(f, SQLITE_IOERR_FSYNC);
  if (!std::exchange(f.sync_directory, false)) return SQLITE_OK;
  return f.vfs->files().SyncDirectory(DirectoryOf(f.path)) == 0 ? SQLITE_OK : Failed(f, SQLITE_IOERR_DIR_FSYNC);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  VfsFile& f = Of(file);
  *size = f.file->Size();
  return *size >= 0 ? SQLITE_OK : Failed(f, SQLITE_IOERR_FSTAT);
}

int Close(sqlite3_file* file);

// ---- Locks ------------------------------------------------------------------------------------

void Count(SqliteVfs::Shared& shared, int lock, int by) {
  if (lock >= SQLITE_LOCK_SHARED) shared.readers += by;
  if (lock >= SQLITE_LOCK_RESERVED) shared.reserved += by;
  if (lock >= SQLITE_LOCK_PENDING) shared.exclusive += by;
}

int Lock(sqlite3_file* file, int wanted) {
  VfsFile& f = Of(file);
  if (wanted <= f.lock) return SQLITE_OK;
  SqliteVfs::Shared& shared = SharedOf(f);
  Count(shared, f.lock, -1);
  const bool free = shared.exclusive == 0 && (wanted < SQLITE_LOCK_RESERVED || shared.reserved == 0) &&
                    (wanted < SQLITE_LOCK_EXCLUSIVE || shared.readers == 0);
  if (free) f.lock = wanted;
  Count(shared, f.lock, 1);
  return free ? SQLITE_OK : SQLITE_BUSY;
}

int Unlock(sqlite3_file* file, int wanted) {
  VfsFile& f = Of(file);
  if (wanted >= f.lock) return SQLITE_OK;
  Count(SharedOf(f), f.lock, -1);
  f.lock = wanted;
  Count(SharedOf(f), f.lock, 1);
  return SQLITE_OK;
}

int CheckReserved(sqlite3_file* file, int* is) {
  *is = SharedOf(Of(file)).reserved > 0;
  return SQLITE_OK;
}

// ---- The WAL's shared memory ------------------------------------------------------------------

int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  VfsFile& f = Of(file);
  SqliteVfs::Shared& shared = SharedOf(f);
  if (!std::exchange(f.mapped, true)) ++shared.mapped;
  *memory = nullptr;
  const auto wanted = static_cast<size_t>(region);
  while (shared.memory.size() <= wanted && extend != 0)
    shared.memory.push_back(std::make_unique<char[]>(static_cast<size_t>(size)));
  if (wanted < shared.memory.size()) *memory = shared.memory[wanted].get();
  return SQLITE_OK;
}

int ShmLock(sqlite3_file* file, int offset, int n, int flags) {
  SqliteVfs::Shared& shared = SharedOf(Of(file));
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (int i = offset; i < offset + n; ++i) {
    int& readers = shared.slot_readers[static_cast<size_t>(i)];
    int& writers = shared.slot_writers[static_cast<size_t>(i)];
    if ((flags & SQLITE_SHM_UNLOCK) == 0 && (writers > 0 || (exclusive && readers > 0))) return SQLITE_BUSY;
  }
  for (int i = offset; i < offset + n; ++i)
    (exclusive ? shared.slot_writers : shared.slot_readers)[static_cast<size_t>(i)] +=
        (flags & SQLITE_SHM_UNLOCK) != 0 ? -1 : 1;
  return SQLITE_OK;
}

void ShmBarrier(sqlite3_file*) {}

int ShmUnmap(sqlite3_file* file, int) {
  VfsFile& f = Of(file);
  if (!std::exchange(f.mapped, false)) return SQLITE_OK;
  SqliteVfs::Shared& shared = SharedOf(f);
  if (--shared.mapped == 0) shared.memory.clear();
  return SQLITE_OK;
}

// ---- Files ------------------------------------------------------------------------------------

int FileControl(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int SectorSize(sqlite3_file*) {
  return 4096;
}
// As the one for Unix: what is written leaves alone what lies beside it, also when it is torn.
int Characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

constexpr sqlite3_io_methods kMethods = {
    2,        Close,         Read,        Write,      Truncate,        Sync,   FileSize, Lock,
    Unlock,   CheckReserved, FileControl, SectorSize, Characteristics, ShmMap, ShmLock,  ShmBarrier,
    ShmUnmap, nullptr,       nullptr};

int Close(sqlite3_file* file) {
  VfsFile& f = Of(file);
  Unlock(file, SQLITE_LOCK_NONE);
  ShmUnmap(file, 0);
  if (f.delete_on_close) f.vfs->files().Unlink(f.path);
  f.~VfsFile();
  return SQLITE_OK;
}

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  SqliteVfs& mine = Of(vfs);
  const std::string path = name ? name : fmt::format("temporary-{}", ++mine.temporaries);
  int how = (flags & SQLITE_OPEN_READONLY) != 0 ? O_RDONLY : O_RDWR;
  if ((flags & SQLITE_OPEN_CREATE) != 0) how |= O_CREAT;
  if ((flags & SQLITE_OPEN_EXCLUSIVE) != 0) how |= O_EXCL;
  file->pMethods = nullptr;
  std::unique_ptr<File> opened = mine.files().Open(path, how, 0600);
  if (!opened) {
    mine.error = errno;
    return SQLITE_CANTOPEN;
  }
  constexpr int kLogs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  const bool new_log = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kLogs) != 0;
  new (file)
      VfsFile{{&kMethods}, &mine, std::move(opened), path, 0, new_log, (flags & SQLITE_OPEN_DELETEONCLOSE) != 0, false};
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  SqliteVfs& mine = Of(vfs);
  if (mine.files().Unlink(path) != 0) {
    mine.error = errno;
    return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  }
  if (sync_directory == 0 || mine.files().SyncDirectory(DirectoryOf(path)) == 0) return SQLITE_OK;
  mine.error = errno;
  return SQLITE_IOERR_DIR_FSYNC;
}

// One that is empty does not count as there: SQLite's own for Unix sees it so, too.
int Access(sqlite3_vfs* vfs, const char* path, int flags, int* is) {
  const int64_t size = Of(vfs).files().Size(path);
  *is = flags == SQLITE_ACCESS_EXISTS ? size > 0 : size >= 0;
  return SQLITE_OK;
}

int FullPath(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs*, int size, char* out) {
  std::fill_n(out, size, '\0');
  return size;
}
int Sleep(sqlite3_vfs*, int micros) {
  return micros;
}
int CurrentTime(sqlite3_vfs*, double* days) {
  *days = 2461000.5;  // nothing that we store asks for it
  return SQLITE_OK;
}
int LastError(sqlite3_vfs* vfs, int, char*) {
  return Of(vfs).error;
}

std::string NewName() {
  static uint64_t number = 0;
  return fmt::format("simulated-{}", ++number);
}

}  // namespace

SqliteVfs::SqliteVfs(FileSystem& files) : files_(files), name_(NewName()), vfs_(std::make_unique<sqlite3_vfs>()) {
  sqlite3_initialize();
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(VfsFile);
  vfs_->mxPathname = 512;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = Open;
  vfs_->xDelete = Delete;
  vfs_->xAccess = Access;
  vfs_->xFullPathname = FullPath;
  vfs_->xRandomness = Randomness;
  vfs_->xSleep = Sleep;
  vfs_->xCurrentTime = CurrentTime;
  vfs_->xGetLastError = LastError;
  sqlite3_vfs_register(vfs_.get(), 0);
}

SqliteVfs::~SqliteVfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

void SeedSqlite(uint64_t seed) {
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed % 0x7fff'ffff) + 1, nullptr);
}

}  // namespace cromt::sim
