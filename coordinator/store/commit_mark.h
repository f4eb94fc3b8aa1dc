// The file STORE-mark beside the store: the stamp of its last commit. A WAL that was cut, or left behind by who copied
// the store, gives an earlier state that is whole in itself; here it shows.
//
// Written after each commit and not synced, which costs a microsecond: it outlives the process, and after a crash of
// the host it may be older than the store, never newer. One writer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/durability.h"
#include "base/result.h"
#include "coordinator/store/stamp.h"
#include "io/file/file_system.h"

namespace cromt {

class CommitMark {
 public:
  // Opens or makes the mark of the store at `store_path`.
  static Result<CommitMark> Open(const std::string& store_path, FileSystem& files = SystemFiles());
  // Of the store at `store_path`; nullopt if there is no mark. kCorrupt if it is damaged.
  static Result<std::optional<StoreStamp>> Read(const std::string& store_path, FileSystem& files = SystemFiles());

  // After an error the process must end: the mark is not what it should be.
  Status Write(const StoreStamp& stamp);
  // The mark and its name outlive a crash of the host.
  Status Sync();

 private:
  std::string path_;
  FileSystem* files_ = nullptr;
  std::unique_ptr<File> file_;
};

// Whether a store with this stamp is where the mark says that it was. kCorrupt says what is wrong and what to do.
Status CheckMark(const std::string& store_path, const StoreStamp& stamp, const std::optional<StoreStamp>& mark);

}  // namespace cromt
