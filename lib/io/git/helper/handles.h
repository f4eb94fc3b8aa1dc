// libgit2's objects, freed once.
#pragma once

#include <git2.h>

#include <memory>
#include <string>

#include "base/freer.h"

namespace cromt::git {

using RepositoryHandle = std::unique_ptr<git_repository, Freer<git_repository_free>>;
using RemoteHandle = std::unique_ptr<git_remote, Freer<git_remote_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, Freer<git_reference_free>>;
using ObjectHandle = std::unique_ptr<git_object, Freer<git_object_free>>;
using CommitHandle = std::unique_ptr<git_commit, Freer<git_commit_free>>;
using TreeHandle = std::unique_ptr<git_tree, Freer<git_tree_free>>;
using BlobHandle = std::unique_ptr<git_blob, Freer<git_blob_free>>;
using OdbHandle = std::unique_ptr<git_odb, Freer<git_odb_free>>;

// 40 hex digits.
inline std::string Hex(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1];
  return git_oid_tostr(text, sizeof text, &id);
}

}  // namespace cromt::git
