// The slots' workspaces: one directory a slot, empty when an attempt begins, emptied after it. A task that leaves
// nothing behind costs no new directory.
//
//   DIR/gate-N/       who is not in the slot's group, where it has one, does not get to
//   DIR/gate-N/slot-N/  the workspace
//   DIR/gate-N/secrets/  of a task that gets secrets as files (agent/job_secrets.h)
//   DIR/slot-N.run    a script that must be executed from a file
//   DIR/slot-N.box    of a task that runs in a container (agent/container/order.h)
//   DIR/slot-N.trash  what could not be removed at once: something is mounted in it, descriptors ran out; tried again
//                     each time the slot is emptied
//
// Any thread; one caller a slot at a time.
#pragma once

#include <string>

#include "agent/launcher/protocol.h"
#include "base/result.h"
#include "core/model.h"
#include "io/blob/store.h"

namespace cromt {

class Workspaces {
 public:
  // Makes the directories. A workspace of before there were gates, DIR/slot-N, in which a job may still work, is moved
  // to where it is now, with a link in its old place.
  static Result<Workspaces> Open(const std::string& dir, uint32_t slots);

  std::string Path(uint32_t slot) const;
  // Lets in who runs in the slot next: the workspace is `user`'s (null: this process's own) and closed to others by its
  // mode; `open`: others may look into it as far as its own mode lets them. Nothing but a few system calls where
  // that is so already. Any thread, one for a slot at a time.
  Status Admit(uint32_t slot, const launcher::JobUser* user, bool open) const;
  // The same of what has been staged there, links not followed. REQUIRES: nobody works in it.
  Status Give(uint32_t slot, const launcher::JobUser& user) const;
  // Where a script that needs a file is put.
  std::string ScriptPath(uint32_t slot) const;
  // What is kept of a container that ran for this slot; who emptied the container removes it.
  std::string BoxPath(uint32_t slot) const;
  bool HasBox(uint32_t slot) const;
  std::string SecretsPath(uint32_t slot) const;
  bool HasSecrets(uint32_t slot) const;

  // Puts the source's tree and, where needed, the script there, all of this process's own user, who alone gets in from
  // now on. Errors name the tree or file.
  Status Stage(uint32_t slot, const TaskSpec& spec, const BlobStore& blobs) const;
  // Neither the workspace nor a box holds anything.
  bool IsClean(uint32_t slot) const;
  // Removes whatever is there, or at least moves it away; never follows a link, never leaves the directory.
  Status Clean(uint32_t slot) const;

 private:
  Status Make(uint32_t slot) const;
  std::string GatePath(uint32_t slot) const;
  std::string TrashPath(uint32_t slot) const;
  void EmptyTrash(uint32_t slot) const;
  explicit Workspaces(std::string dir) : dir_(std::move(dir)) {}
  std::string dir_;
};

// True if the spec's script must be executed from a file.
bool NeedsScriptFile(const TaskSpec& spec);

}  // namespace cromt
