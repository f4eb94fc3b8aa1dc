// The applied job files: which file owns which project, at which revision. Decides what an apply would change;
// the record that makes it so is the engine's to commit. Deterministic; one owner thread changes it, and hands out
// immutable catalogs that any thread may plan from.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "coordinator/store/store.h"
#include "core/control.h"
#include "core/job_file.h"

namespace cromt {

// A file as it was applied last.
struct AppliedFile {
  std::string path;
  uint64_t revision = 0;
  std::string text;
  std::shared_ptr<const JobFile> job_file;
};

// An immutable view: who owns each project, and the file to plan it from.
struct Catalog {
  struct Entry {
    std::string file;
    uint64_t revision = 0;
    std::shared_ptr<const JobFile> job_file;  // of the revision that last held the project
    bool left = false;                        // the file has a newer revision, without it
  };
  std::map<std::string, Entry> projects;
};

class Registry {
 public:
  // Reads a stored text again; the same function that Apply's caller used. kCorrupt context is the caller's.
  using Parse = std::function<Result<std::shared_ptr<const JobFile>>(const std::string& path, const std::string& text)>;

  Status Restore(const StoredState& state, const Parse& parse);

  struct Decision {
    ApplyAnswer answer;
    std::optional<FileApplied> record;  // nullopt: nothing changes (the same text, or a dry run)
  };
  // `added` and `changed` compare with the file's revision before, project by project; `gone` is all that the file owns
  // and does not hold any more. kConflict if another file owns one of the projects, or `if_revision` is not the file's.
  Result<Decision> Decide(const ApplyRequest& request, const std::shared_ptr<const JobFile>& job_file, Wall now) const;
  // The record was committed. REQUIRES: it came from Decide, and nothing was taken in between.
  void Take(const FileApplied& record, std::shared_ptr<const JobFile> job_file);

  std::shared_ptr<const Catalog> catalog() const { return catalog_; }

 private:
  static void Compare(const AppliedFile* old, const std::string& text, const JobFile& job_file,
                      ProjectChanges& changes);

  uint64_t revision_ = 0;  // of the newest apply
  std::map<std::string, AppliedFile> files_;
  std::map<RequestId, ApplyAnswer> answers_;  // bounded; those of an earlier incarnation without what changed
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();
};

}  // namespace cromt
