// The blob store: immutable bytes in files named by their digest.
//
//   DIR/ab/cdef…      a blob; its name is its SHA-256, two digits of it the folder
//   DIR/tmp/NAME      a writer at work, locked (flock) for as long as it lives
//
// Invariants:
// 1. A file outside tmp/ is complete, and was synced to disk before it got its name unless the store is kProcess.
// 2. A path is made of checked digests only; nothing from outside is ever part of one.
// 3. A writer that is dropped or killed leaves no blob; what a killed one left in tmp/ is removed by the next Open.
//
// The store is thread-safe, and several processes may hold one directory. Its quota is its holders' business: they call
// Trim when they have added something.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/durability.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "core/model.h"
#include "io/blob/sha256.h"

namespace cromt {

class BlobStore;

// Bytes on their way into a store. One thread at a time; the store must outlive it.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&& other) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();  // not committed: the bytes are gone

  // kExhausted when the disk is full. After an error only dropping the writer makes sense.
  Status Append(std::string_view bytes);
  int64_t size_bytes() const { return size_bytes_; }

  // Publishes what was appended and returns its digest; it is durable from here on. If `expected` is
  // not empty and differs, nothing is published: kCorrupt. REQUIRES: called once.
  Result<Digest> Commit(const Digest& expected = {});

 private:
  friend class BlobStore;
  BlobWriter(BlobStore& store, UniqueFd file, std::string name);

  BlobStore* store_;
  UniqueFd file_;
  std::string name_;  // "tmp/NAME"; empty once renamed or moved from
  Sha256 sha_;
  int64_t size_bytes_ = 0;
  int64_t begun_bytes_ = 0;  // which the disk was told to begin with
  bool broken_ = false;
};

class BlobStore {
 public:
  // Makes `directory` (0700) where it is missing and removes what killed writers left.
  static Result<std::unique_ptr<BlobStore>> Open(const std::filesystem::path& directory,
                                                 Durability durability = Durability::kHost);

  // True if a blob of this name and size is there.
  bool Has(const Digest& digest) const;

  // A descriptor to read from, at offset 0; it stays readable after Remove. kNotFound if it is not there,
  // kCorrupt if its size is another. The bytes are not digested again: whoever receives them does that.
  Result<UniqueFd> Read(const Digest& digest) const CROMT_EXCLUDES(idle_);

  Result<BlobWriter> Write();

  // Succeeds also when there is none.
  Status Remove(const Digest& digest);

  // Removes the blobs that were read or written least recently and are not `needed` (empty: none is), until what is
  // there has at most `quota_bytes`. What somebody has open stays readable to him. Linear in the number of blobs.
  struct Trimmed {
    int64_t blobs = 0;
    int64_t bytes = 0;
  };
  Result<Trimmed> Trim(int64_t quota_bytes, const std::function<bool(const Digest&)>& needed = {});

  // Removes it unless it was read or written since then; false if it was. Whoever has read one through this object
  // before it decides keeps it.
  Result<bool> RemoveIdle(const Digest& digest, Wall since) CROMT_EXCLUDES(idle_);

  // All blobs, in the order of their names.
  Result<std::vector<Digest>> List() const;

 private:
  friend class BlobWriter;
  BlobStore(UniqueFd root, Durability durability) : root_(std::move(root)), durability_(durability) {}
  Status RemoveStaleTemporaries();
  // The folder of such blobs, which is there, and stays there if the host crashes.
  Result<UniqueFd> FolderFor(const std::string& sha256) CROMT_EXCLUDES(folders_);

  UniqueFd root_;
  const Durability durability_;
  Mutex folders_;
  std::set<std::string> synced_ CROMT_GUARDED_BY(folders_);  // their names are on disk, as this process knows
  mutable Mutex idle_;                                       // to read one, or to find that nobody has
};

}  // namespace cromt
