#include "tests/sim/disk/sim_disk.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>

#include "tests/sim/disk/sqlite_vfs.h"

namespace cromt::sim {
namespace {

int FailWith(int error) {
  errno = error;
  return -1;
}

size_t PagesOf(uint64_t bytes, size_t page) {
  return static_cast<size_t>((bytes + page - 1) / page);
}

}  // namespace

// ---- An open file -----------------------------------------------------------------------------

class SimDisk::OpenFile final : public File {
 public:
  OpenFile(SimDisk& disk, std::shared_ptr<Inode> inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}

  ssize_t Read(void* bytes, size_t size, uint64_t offset) override {
    Fate fate{};
    if (auto failed = disk_.Fails(Call::kRead, path_, fate)) return *failed;
    if (inode_->refused && disk_.dice_.PerCent(5)) Evict(*inode_);
    size = static_cast<size_t>(std::min<uint64_t>(size, inode_->size > offset ? inode_->size - offset : 0));
    if (fate == Fate::kShort && size > 1) size /= 2;
    char* to = static_cast<char*>(bytes);
    for (size_t done = 0; done < size;) {
      const size_t page = (offset + done) / kPage, in_page = (offset + done) % kPage;
      const size_t part = std::min(size - done, kPage - in_page);
      const Data* data = page < inode_->pages.size() ? inode_->pages[page].now.get() : nullptr;
      if (data)
        std::memcpy(to + done, data->data() + in_page, part);
      else
        std::memset(to + done, 0, part);
      done += part;
    }
    return static_cast<ssize_t>(size);
  }

  ssize_t Write(const void* bytes, size_t size, uint64_t offset) override {
    Fate fate{};
    if (auto failed = disk_.Fails(Call::kWrite, path_, fate)) return *failed;
    if (fate == Fate::kShort && size > 1) size /= 2;
    if (!disk_.MakeRoom(*inode_, offset + size)) {
      // What there is room for.
      const uint64_t room = PagesOf(std::max(inode_->size, inode_->allocated), kPage) * kPage;
      if (room <= offset) return FailWith(ENOSPC);
      size = static_cast<size_t>(room - offset);
    }
    const char* from = static_cast<const char*>(bytes);
    for (size_t done = 0; done < size;) {
      const size_t page = (offset + done) / kPage, in_page = (offset + done) % kPage;
      const size_t part = std::min(size - done, kPage - in_page);
      std::memcpy(disk_.Writable(*inode_, page).data() + in_page, from + done, part);
      done += part;
    }
    inode_->size = std::max(inode_->size, offset + size);
    return static_cast<ssize_t>(size);
  }

  int Truncate(uint64_t size) override {
    if (disk_.Check(Call::kTruncate, path_) != 0) return -1;
    if (size > inode_->size && !disk_.MakeRoom(*inode_, size)) return FailWith(ENOSPC);
    disk_.Cut(*inode_, size);
    return 0;
  }

  int Sync() override { return disk_.SyncFile(*inode_, path_); }
  int SyncData() override { return disk_.SyncFile(*inode_, path_); }

  int Allocate(uint64_t offset, uint64_t size) override {
    if (disk_.Check(Call::kAllocate, path_) != 0) return -1;
    return disk_.MakeRoom(*inode_, offset + size) ? 0 : FailWith(ENOSPC);
  }
  int Extend(uint64_t, uint64_t to) override {
    if (disk_.Check(Call::kAllocate, path_) != 0) return -1;
    if (!disk_.MakeRoom(*inode_, to)) return FailWith(ENOSPC);
    inode_->size = std::max(inode_->size, to);
    return 0;
  }
  int64_t Size() override { return disk_.frozen_ ? FailWith(EIO) : static_cast<int64_t>(inode_->size); }

 private:
  SimDisk& disk_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
};

SimDisk::SimDisk(uint64_t seed) : dice_(seed), sqlite_(std::make_unique<SqliteVfs>(*this)) {}
SimDisk::~SimDisk() = default;

const char* SimDisk::sqlite_vfs() const {
  return sqlite_->name();
}

// ---- Calls ------------------------------------------------------------------------------------

// What it returns if it fails.
std::optional<int> SimDisk::Fails(Call call, const std::string& path, Fate& fate) {
  if (frozen_) return FailWith(EIO);
  const bool reads = call == Call::kRead || call == Call::kList;
  if (reads ? fail_reads_ : fail_writes_ && call != Call::kOpen) return ++failures_, FailWith(EIO);
  fate = fate_ ? fate_(call, path) : Fate::kDone;
  const bool syncs = call == Call::kSync || call == Call::kSyncDirectory;
  switch (fate) {
    case Fate::kNoSpace: return ++failures_, FailWith(reads || syncs ? EIO : ENOSPC);
    case Fate::kIoError: return ++failures_, FailWith(EIO);
    case Fate::kCrash:
      frozen_ = true;
      if (dice_.PerCent(50)) return FailWith(EIO);
      break;
    default: break;
  }
  return std::nullopt;
}

int SimDisk::Check(Call call, const std::string& path) {
  Fate fate{};
  return Fails(call, path, fate).value_or(0);
}

std::unique_ptr<File> SimDisk::Open(const std::string& path, int flags, mode_t) {
  if (Check(Call::kOpen, path) != 0) return nullptr;
  auto found = names_.find(path);
  if (found == names_.end()) {
    errno = directories_.contains(path) ? EISDIR : ENOENT;
    if (errno == EISDIR || (flags & O_CREAT) == 0) return nullptr;
    if (fail_writes_) {
      ++failures_;
      errno = EIO;
      return nullptr;
    }
    Change(path, std::make_shared<Inode>());
    found = names_.find(path);
  } else if ((flags & O_EXCL) != 0) {
    errno = EEXIST;
    return nullptr;
  }
  if ((flags & O_TRUNC) != 0) Cut(*found->second, 0);
  return std::make_unique<OpenFile>(*this, found->second, path);
}

int64_t SimDisk::Size(const std::string& path) {
  if (frozen_) return FailWith(EIO);
  if (auto found = names_.find(path); found != names_.end()) return static_cast<int64_t>(found->second->size);
  return directories_.contains(path) ? static_cast<int64_t>(kPage) : FailWith(ENOENT);
}

int SimDisk::Look(const std::string& path, struct stat& info) {
  const std::string named = path.ends_with("/.") ? path.substr(0, path.size() - 2) : path;
  const int64_t size = Size(named);
  if (size < 0) return -1;
  info = {};
  info.st_mode = directories_.contains(named) ? S_IFDIR : S_IFREG;
  info.st_size = size;
  return 0;
}

int SimDisk::Space(const std::string&, struct statvfs& disk) {
  if (frozen_) return FailWith(EIO);
  disk = {};
  disk.f_frsize = kPage;
  disk.f_blocks = capacity_ / kPage;
  const uint64_t used = Used();
  disk.f_bavail = used < capacity_ ? (capacity_ - used) / kPage : 0;
  return 0;
}

int SimDisk::Rename(const std::string& from, const std::string& to) {
  if (Check(Call::kRename, from) != 0) return -1;
  auto found = names_.find(from);
  if (found == names_.end()) return FailWith(ENOENT);
  const std::shared_ptr<Inode> inode = found->second;
  Change(to, inode, from);
  return 0;
}

int SimDisk::Unlink(const std::string& path) {
  if (frozen_) return FailWith(EIO);
  if (!names_.contains(path)) return FailWith(ENOENT);
  if (Check(Call::kUnlink, path) != 0) return -1;
  Change(path, nullptr);
  return 0;
}

int SimDisk::MakeDirectory(const std::string& path, mode_t) {
  if (frozen_) return FailWith(EIO);
  return directories_.insert(path).second ? 0 : FailWith(EEXIST);
}

int SimDisk::List(const std::string& path, std::vector<std::string>& names) {
  if (Check(Call::kList, path) != 0) return -1;
  if (!directories_.contains(path)) return FailWith(ENOENT);
  for (const auto& [name, inode] : names_)
    if (DirectoryOf(name) == path) names.push_back(name.substr(path.size() + 1));
  return 0;
}

void SimDisk::Apply(Names& names, const NameChange& change) {
  if (!change.gone.empty()) names.erase(change.gone);
  if (change.inode)
    names[change.path] = change.inode;
  else
    names.erase(change.path);
}

void SimDisk::Change(const std::string& path, std::shared_ptr<Inode> inode, std::string gone) {
  unsynced_names_.push_back({DirectoryOf(path), path, std::move(inode), std::move(gone)});
  Apply(names_, unsynced_names_.back());
}

int SimDisk::SyncDirectory(const std::string& path) {
  if (Check(Call::kSyncDirectory, path) != 0) return -1;
  for (NameChange& change : unsynced_names_)
    if (change.directory == path && lies_) change.promised = true;
  if (lies_) return 0;
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    if (change.directory != path) return false;
    Apply(durable_names_, change);
    return true;
  });
  return 0;
}

// ---- Pages ------------------------------------------------------------------------------------

uint64_t SimDisk::Used() const {
  std::set<const Inode*> seen;
  uint64_t pages = 0;
  for (const auto& [name, inode] : names_)
    if (seen.insert(inode.get()).second) pages += PagesOf(std::max(inode->size, inode->allocated), kPage);
  return pages * kPage;
}

void SimDisk::Fill(uint64_t room_bytes) {
  capacity_ = Used() + room_bytes;
}

// Room up to there in the file; as much as there is.
bool SimDisk::MakeRoom(Inode& inode, uint64_t to) {
  const uint64_t has = PagesOf(std::max(inode.size, inode.allocated), kPage) * kPage;
  const uint64_t wants = PagesOf(to, kPage) * kPage;
  if (wants <= has) return true;
  if (capacity_ != std::numeric_limits<uint64_t>::max()) {
    const uint64_t used = Used();
    const uint64_t room = used < capacity_ ? (capacity_ - used) / kPage * kPage : 0;
    if (wants - has > room) {
      inode.allocated = std::max(inode.allocated, has + room);
      return false;
    }
  }
  inode.allocated = std::max(inode.allocated, wants);
  return true;
}

SimDisk::Data& SimDisk::Writable(Inode& inode, size_t number) {
  if (inode.pages.size() <= number) inode.pages.resize(number + 1);
  Page& page = inode.pages[number];
  if (!page.now)
    page.now = std::make_shared<Data>();
  else if (page.now.use_count() > 1)  // it is also what is durable, or a copy's
    page.now = std::make_shared<Data>(*page.now);
  page.written = ++writes_;
  if (!page.dirty) inode.dirty.push_back(static_cast<uint32_t>(number));
  page.dirty = true;
  return *page.now;
}

void SimDisk::Cut(Inode& inode, uint64_t size) {
  if (size < inode.size) {
    inode.cut_to = std::min(inode.cut_to, size);
    for (size_t page = PagesOf(size, kPage); page < inode.pages.size(); ++page) {
      inode.pages[page].now.reset();
      inode.pages[page].dirty = false;
    }
    if (size % kPage != 0 && size / kPage < inode.pages.size() && inode.pages[size / kPage].now)
      std::ranges::fill(std::span(Writable(inode, size / kPage)).subspan(size % kPage), 0);
  }
  inode.size = size;
  inode.allocated = std::min(inode.allocated, PagesOf(size, kPage) * kPage);
}

int SimDisk::SyncFile(Inode& inode, const std::string& path) {
  if (Check(Call::kSync, path) != 0) {
    if (!frozen_) ForgetDirty(inode);
    return -1;
  }
  if (slowness_ > Duration(0)) delay_ += dice_.Between(Duration(0), slowness_);
  if (failing_syncs_ > 0) {
    --failing_syncs_;
    ++failures_;
    ForgetDirty(inode);
    return FailWith(EIO);
  }
  if (!lies_) {
    MakeDurable(inode);
    return 0;
  }
  for (uint32_t page : inode.dirty)
    if (page < inode.pages.size() && inode.pages[page].dirty) inode.pages[page].promised = true;
  return 0;
}

void SimDisk::MakeDurable(Inode& inode) {
  if (inode.cut_to < std::numeric_limits<uint64_t>::max()) {
    for (size_t page = PagesOf(inode.cut_to, kPage); page < inode.pages.size(); ++page)
      if (!inode.pages[page].dirty) inode.pages[page].durable = inode.pages[page].now;
    inode.cut_to = std::numeric_limits<uint64_t>::max();
  }
  for (uint32_t number : inode.dirty) {
    if (number >= inode.pages.size()) continue;
    Page& page = inode.pages[number];
    if (!page.dirty) continue;
    page.durable = page.now;
    page.dirty = page.promised = false;
  }
  inode.dirty.clear();
  inode.durable_size = inode.size;
}

// As Linux does after a sync that failed: all counts as written. What is in memory may be read for a while.
void SimDisk::ForgetDirty(Inode& inode) {
  for (uint32_t page : inode.dirty)
    if (page < inode.pages.size()) inode.pages[page].dirty = false;
  inode.dirty.clear();
  inode.refused = true;
  if (dice_.PerCent(30)) Evict(inode);
}

void SimDisk::Evict(Inode& inode) {
  for (Page& page : inode.pages)
    if (!page.dirty && !page.promised)
      page.now = page.durable;  // what was promised is at least in the disk's own memory
  inode.refused = false;
}

// ---- A crash ----------------------------------------------------------------------------------

bool SimDisk::Crash() {
  frozen_ = false;
  bool broken = false;
  const size_t kept = dice_.PerCent(30) ? 0 : dice_.Below(unsynced_names_.size() + 1);
  for (size_t i = 0; i < unsynced_names_.size(); ++i)
    if (i < kept)
      Apply(durable_names_, unsynced_names_[i]);
    else
      broken |= unsynced_names_[i].promised;
  unsynced_names_.clear();
  names_ = durable_names_;
  std::set<const Inode*> seen;
  for (const auto& [name, inode] : names_)
    if (seen.insert(inode.get()).second) broken |= CrashFile(*inode);
  return broken;
}

uint32_t SimDisk::KeptSectors(Keeps keeps) {
  constexpr uint32_t kAllSectors = (1u << kSectors) - 1;
  switch (keeps) {
    case Keeps::kNone: return 0;
    case Keeps::kAll: return kAllSectors;
    case Keeps::kUntil: return (1u << dice_.Below(kSectors + 1)) - 1;
    case Keeps::kAnyPages: return dice_.PerCent(50) ? kAllSectors : 0;
    case Keeps::kAnySectors: break;
  }
  return static_cast<uint32_t>(dice_.Below(kAllSectors + 1));
}

void SimDisk::CrashPage(Page& page, uint32_t kept) {
  auto mixed = page.durable ? std::make_shared<Data>(*page.durable) : std::make_shared<Data>();
  for (size_t sector = 0; sector < kSectors; ++sector)
    if ((kept >> sector & 1) != 0)
      std::memcpy(mixed->data() + sector * kSector, page.now->data() + sector * kSector, kSector);
  page.now = page.durable = std::move(mixed);
}

// Of one file.
struct SimDisk::Losses {
  bool vanished = false, torn = false;
  uint64_t first_gone = std::numeric_limits<uint64_t>::max(), last_kept = 0;  // when written

  void Add(uint64_t written, uint32_t kept, uint32_t all) {
    vanished |= kept == 0;
    torn |= kept != 0 && kept != all;
    if (kept == 0)
      first_gone = std::min(first_gone, written);
    else
      last_kept = std::max(last_kept, written);
  }
};

// True if something is gone that was promised.
bool SimDisk::CrashFile(Inode& inode) {
  constexpr std::array kModes = {Keeps::kNone, Keeps::kAll, Keeps::kUntil, Keeps::kAnyPages, Keeps::kAnySectors};
  const Keeps keeps = kModes.at(dice_.Below(kModes.size()));
  const bool was_cut = inode.cut_to < inode.durable_size;
  const bool cut_is_lost = was_cut && keeps != Keeps::kAll && dice_.PerCent(50);
  if (was_cut && !cut_is_lost) {
    for (size_t i = PagesOf(inode.cut_to, kPage); i < inode.pages.size(); ++i) inode.pages[i].durable.reset();
    inode.durable_size = inode.cut_to;
  }
  uint64_t first = ++writes_;
  for (const Page& page : inode.pages)
    if (page.dirty) first = std::min(first, page.written);
  const uint64_t until = first + dice_.Below(writes_ - first + 1);
  bool broken = false;
  uint64_t end = 0;  // of what was kept
  Losses losses;
  for (size_t i = 0; i < inode.pages.size(); ++i) {
    Page& page = inode.pages[i];
    Keeps of_page = keeps;
    if (keeps == Keeps::kUntil && page.written != until) of_page = page.written < until ? Keeps::kAll : Keeps::kNone;
    if (!page.dirty || (cut_is_lost && i >= inode.cut_to / kPage)) of_page = Keeps::kNone;
    const uint32_t kept = of_page == Keeps::kNone ? 0 : KeptSectors(of_page);
    const std::shared_ptr<Data> wanted = page.now;
    if (page.dirty) losses.Add(page.written, kept, KeptSectors(Keeps::kAll));
    if (kept == 0)
      page.now = page.durable;
    else
      CrashPage(page, kept), end = i * kPage + std::bit_width(kept) * kSector;
    broken |= page.promised && wanted && (!page.now || *page.now != *wanted);
    page.dirty = page.promised = false;
  }
  const bool has_its_length = keeps == Keeps::kAll || dice_.PerCent(25);
  if (!cut_is_lost)
    inode.durable_size = has_its_length ? inode.size : std::max(inode.durable_size, std::min(inode.size, end));
  SetLength(inode, inode.durable_size);
  if (on_loss_ && losses.vanished) on_loss_("unsynced writes vanish");
  if (on_loss_ && losses.torn) on_loss_("a write is torn");
  if (on_loss_ && losses.first_gone < losses.last_kept) on_loss_("writes are reordered");
  return broken;
}

// Whole from here on.
void SimDisk::SetLength(Inode& inode, uint64_t size) {
  inode.size = inode.durable_size = size;
  inode.pages.resize(std::min(inode.pages.size(), PagesOf(size, kPage)));
  if (size % kPage != 0 && inode.pages.size() > size / kPage && inode.pages.back().now) {
    auto last = std::make_shared<Data>(*inode.pages.back().now);
    std::ranges::fill(std::span(*last).subspan(size % kPage), 0);
    inode.pages.back().now = inode.pages.back().durable = last;
  }
  inode.dirty.clear();
  inode.cut_to = std::numeric_limits<uint64_t>::max();
  inode.allocated = std::min(inode.allocated, PagesOf(size, kPage) * kPage);
}

// ---- What a person or the years do ------------------------------------------------------------

void SimDisk::FlipBit(const std::string& path, uint64_t bit) {
  Inode& inode = *names_.at(path);
  const uint64_t byte = bit / 8;
  Page& page = inode.pages[byte / kPage];
  auto flipped = [&](const std::shared_ptr<Data>& data) {
    auto other = data ? std::make_shared<Data>(*data) : std::make_shared<Data>();
    char& in = (*other)[byte % kPage];
    in = static_cast<char>(in ^ (1 << bit % 8));
    return other;
  };
  const bool same = page.now == page.durable;
  page.now = flipped(page.now);
  page.durable = same ? page.now : flipped(page.durable);
}

void SimDisk::Wipe() {
  names_.clear();
  durable_names_.clear();
  unsynced_names_.clear();
}

void SimDisk::Wipe(const std::string& directory) {
  const auto in_it = [&](const auto& named) { return DirectoryOf(named.first) == directory; };
  std::erase_if(names_, in_it);
  std::erase_if(durable_names_, in_it);
  std::erase_if(unsynced_names_, [&](const NameChange& change) { return change.directory == directory; });
}

void SimDisk::CopyFrom(const SimDisk& other, const std::string& from, const std::string& to) {
  std::erase_if(unsynced_names_, [&](const NameChange& change) { return change.path == to; });
  names_.erase(to);
  durable_names_.erase(to);
  auto found = other.names_.find(from);
  if (found == other.names_.end()) return;
  auto copy = std::make_shared<Inode>();
  copy->pages = found->second->pages;
  for (Page& page : copy->pages) page = {page.now, page.now, page.written};
  copy->size = copy->durable_size = found->second->size;
  copy->pages.resize(std::min(copy->pages.size(), PagesOf(copy->size, kPage)));
  names_[to] = durable_names_[to] = std::move(copy);
}

}  // namespace cromt::sim
