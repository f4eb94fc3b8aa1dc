// A bare repository of our own that a remote is fetched into. What it holds is objects and, under refs/tips/,
// one ref for each ref that was ever fetched; that keeps fetches incremental, whatever names a remote thinks up.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "io/git/helper/handles.h"

namespace cromt::git {

enum class LockKind { kExclusive, kShared };

// Waits for the file MIRROR.lock, without an end of its own: the process's alarm is one. Held until closed.
Result<UniqueFd> LockMirror(const std::filesystem::path& mirror, LockKind kind);

// REQUIRES: the exclusive lock. Makes the mirror if it is missing, deletes it first if `rebuild`, and removes what a
// killed helper left. kCorrupt if what is there is no repository.
Result<RepositoryHandle> OpenForFetch(const std::filesystem::path& mirror, bool rebuild);

// REQUIRES: a lock.
Result<RepositoryHandle> OpenForRead(const std::filesystem::path& mirror);

size_t CountPacks(const std::filesystem::path& mirror);

// Remembers that the remote's ref `name` named `id` when it was fetched.
Status SetTip(git_repository* mirror, std::string_view name, const git_oid& id);

}  // namespace cromt::git
