// The secrets that a coordinator keeps: by name, of one project or of all. Values are given to leases of tasks that
// name them, and to nothing else.
//
//   DIR/secrets       all of them, each encrypted for itself (io/seal/sealer.h) and bound to its project and name, so
//   that
//                     none can be put in another's place; beside the run store, so that its backups hold no secrets
//   DIR/secrets.key   the key, 64 hex digits and a line end, 0600; made with the first secret. Not there where
//                     $CREDENTIALS_DIRECTORY/cromt-secrets-key is, which systemd has decrypted: then that is the key
//
// In memory values are as they are on disk, and are opened one lease at a time. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "core/control.h"
#include "core/secret.h"
#include "io/seal/sealer.h"

namespace cromt {

class SecretStore {
 public:
  static constexpr size_t kMost = 1000;  // secrets of a coordinator

  // kCorrupt for a damaged file; kDenied or kCorrupt where there are secrets and the key is missing, is another, or may
  // be read by others. Nothing is written.
  static Result<std::unique_ptr<SecretStore>> Open(const std::string& dir);
  // Of a run without a server: these, of all projects, and nothing is kept.
  explicit SecretStore(std::vector<std::pair<std::string, std::string>> given);

  // On disk when it returns. The answer says what is to be known of the value.
  Result<std::vector<std::string>> Set(const SecretRequest& request, Wall now) CROMT_EXCLUDES(mutex_);
  // kNotFound with the nearest name.
  Status Remove(const std::string& project, const std::string& name) CROMT_EXCLUDES(mutex_);
  // Those that a task of the project may name; "" = all. By project and name.
  std::vector<SecretView> List(const std::string& project) const CROMT_EXCLUDES(mutex_);

  // The values of all, for who must not show any. kCorrupt if one can't be read.
  Result<std::vector<std::string>> AllValues() const CROMT_EXCLUDES(mutex_);
  // For a lease: the values of those that there are; a project's own goes before one of all projects. Null if none is
  // asked for.
  SecretValues ValuesFor(const std::string& project, const std::vector<SecretUse>& uses) const CROMT_EXCLUDES(mutex_);

 private:
  using Key = std::pair<std::string, std::string>;  // project ("" = all), name
  struct Entry {
    std::string sealed;
    Wall at;
    std::string author;
  };
  explicit SecretStore(std::string dir) : dir_(std::move(dir)) {}
  Status Load() CROMT_EXCLUDES(mutex_);
  Status MakeKey() CROMT_REQUIRES(mutex_);
  Status Write(const std::map<Key, Entry>& entries) CROMT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  const std::string dir_;                                          // empty: of a run without a server
  const std::vector<std::pair<std::string, std::string>> given_;   // of that one
  std::unique_ptr<const Sealer> sealer_ CROMT_GUARDED_BY(mutex_);  // null: there is no key yet, and no secret
  std::map<Key, Entry> entries_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
