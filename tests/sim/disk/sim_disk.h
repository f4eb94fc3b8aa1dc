// A disk in memory, which forgets, fails, fills up and lies as real ones do, by the dice of its own seed.
//
// What is written is in the machine's memory until it is synced. When the machine crashes, of that each page of 4 KiB
// may be there or not, whatever its order, or torn: each of its sectors of 512 bytes is as it was or as it was
// written, none is half so, and what was not written in it is as it was. A file that grew may have its new length, with
// zeros for what is not there. Names (made, moved, removed) that were not synced with their directory are there up to
// some moment, in order, as by a file system with a log. A directory itself is there at once, which no test of ours is
// about.
//
// A process that is killed loses nothing of this, but does nothing more: Freeze before its objects go.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "io/file/file_system.h"
#include "tests/sim/dice.h"

namespace cromt::sim {

class SqliteVfs;

class SimDisk final : public FileSystem {
 public:
  explicit SimDisk(uint64_t seed);
  ~SimDisk() override;
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // ---- FileSystem ------------------------------------------------------------------------------

  std::unique_ptr<File> Open(const std::string& path, int flags, mode_t mode = 0) override;
  int64_t Size(const std::string& path) override;
  int Look(const std::string& path, struct stat& info) override;
  int Space(const std::string& path, struct statvfs& disk) override;
  int Rename(const std::string& from, const std::string& to) override;
  int Unlink(const std::string& path) override;
  int MakeDirectory(const std::string& path, mode_t mode) override;
  int List(const std::string& path, std::vector<std::string>& names) override;
  int SyncDirectory(const std::string& path) override;
  const char* sqlite_vfs() const override;

  // ---- What happens to it ----------------------------------------------------------------------

  // Every call fails and does nothing, until it is thawed.
  void Freeze() { frozen_ = true; }
  void Thaw() { frozen_ = false; }
  // The machine loses its memory; thaws. True if something is gone that a sync had said to be there.
  bool Crash();
  // Told of each file in a crash whose unsynced writes vanished, tore or came in another order than they were made.
  void OnLoss(std::function<void(std::string_view how)> told) { on_loss_ = std::move(told); }
  // New room: only so much, besides what is allocated and what is freed.
  void Fill(uint64_t room_bytes);
  void HasRoom() { capacity_ = std::numeric_limits<uint64_t>::max(); }
  // Of every write, and of what changes names, or of every read, comes EIO.
  void FailWrites(bool fail) { fail_writes_ = fail; }
  void FailReads(bool fail) { fail_reads_ = fail; }
  // The next so many syncs of files fail. What they were to sync is never tried again unless it is written again: it
  // counts as written though it is not, and the machine may forget it at any time.
  void FailSyncs(uint64_t times) { failing_syncs_ = times; }
  // Syncs say that they have and have not.
  void Lie(bool lies) { lies_ = lies; }
  // A sync takes up to so long; zero: no time.
  void SlowDown(Duration most) { slowness_ = most; }
  // So many calls have failed because they were to.
  uint64_t failures() const { return failures_; }
  // What the calls since the last time took.
  Duration TakeDelay() { return std::exchange(delay_, Duration(0)); }
  // At rest: the disk gives it back as 1 where 0 was written. Twice is never. REQUIRES: it is in the file.
  void FlipBit(const std::string& path, uint64_t bit);
  // There is nothing on it any more, or in that directory.
  void Wipe();
  void Wipe(const std::string& directory);
  // As it is now, and durable. Nothing at `from`: nothing will be at `to`.
  void Copy(const std::string& from, const std::string& to) { CopyFrom(*this, from, to); }
  void CopyFrom(const SimDisk& other, const std::string& from, const std::string& to);

  // ---- For who fails one call after another ----------------------------------------------------

  enum class Call { kOpen, kRead, kWrite, kTruncate, kSync, kAllocate, kRename, kUnlink, kList, kSyncDirectory };
  enum class Fate {
    kDone,
    kIoError,
    kNoSpace,  // of a read or sync: kIoError
    kShort,    // half of a read or write of two bytes or more
    kCrash,    // it may be done, and is the last thing that is: Freeze
  };
  // Asked before each call.
  void OnCall(std::function<Fate(Call, const std::string& path)> fate) { fate_ = std::move(fate); }

 private:
  static constexpr size_t kPage = 4096, kSector = 512, kSectors = kPage / kSector;
  // What a crash leaves of what was not synced.
  enum class Keeps { kNone, kAll, kUntil, kAnyPages, kAnySectors };  // kUntil: in the order of writing
  using Data = std::array<char, kPage>;
  struct Page {
    std::shared_ptr<Data> now, durable;  // null: zeros
    uint64_t written = 0;                // when, in writes of the disk
    bool dirty = false;                  // a sync will write it
    bool promised = false;               // a sync said that it has
  };
  struct Inode {
    std::vector<Page> pages;
    std::vector<uint32_t> dirty;  // pages; a superset
    uint64_t size = 0, durable_size = 0;
    uint64_t cut_to = std::numeric_limits<uint64_t>::max();  // the least size since the last sync
    uint64_t allocated = 0;                                  // bytes that have room
    bool refused = false;  // a sync has failed; of what it was to sync some may be gone
  };
  // A name in `directory` is this file from then on (null: there is none), and another one, if any, is gone.
  struct NameChange {
    std::string directory, path;
    std::shared_ptr<Inode> inode;
    std::string gone;
    bool promised = false;
  };
  class OpenFile;
  struct Losses;

  std::optional<int> Fails(Call call, const std::string& path, Fate& fate);
  int Check(Call call, const std::string& path);
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  void Change(const std::string& path, std::shared_ptr<Inode> inode, std::string gone = {});
  static void Apply(Names& names, const NameChange& change);
  uint64_t Used() const;
  bool MakeRoom(Inode& inode, uint64_t to);
  Data& Writable(Inode& inode, size_t page);
  void Cut(Inode& inode, uint64_t size);
  int SyncFile(Inode& inode, const std::string& path);
  void MakeDurable(Inode& inode);
  void ForgetDirty(Inode& inode);
  static void Evict(Inode& inode);
  bool CrashFile(Inode& inode);
  uint32_t KeptSectors(Keeps keeps);
  static void CrashPage(Page& page, uint32_t kept);
  static void SetLength(Inode& inode, uint64_t size);

  Dice dice_;
  Names names_, durable_names_;
  std::vector<NameChange> unsynced_names_;  // in order
  std::set<std::string> directories_;
  std::function<Fate(Call, const std::string&)> fate_;
  std::function<void(std::string_view)> on_loss_;
  uint64_t writes_ = 0, failures_ = 0;
  uint64_t capacity_ = std::numeric_limits<uint64_t>::max();  // bytes
  uint64_t failing_syncs_ = 0;
  Duration slowness_{0}, delay_{0};
  bool frozen_ = false, lies_ = false, fail_writes_ = false, fail_reads_ = false;
  std::unique_ptr<SqliteVfs> sqlite_;
};

}  // namespace cromt::sim
