// What is known of a tree that was packed before: a small text file beside the mirror.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "io/git/submodule.h"

namespace cromt::git {

struct TreeRecord {
  Digest tree;
  std::vector<Submodule> submodules;
};

// nullopt if there is none, or none that can be read: the tree is then packed again.
std::optional<TreeRecord> ReadTreeRecord(const std::filesystem::path& file);

// By rename, so that a reader sees all of it or nothing. A failure costs a packing later: it is not reported.
void WriteTreeRecord(const std::filesystem::path& file, const TreeRecord& record);

}  // namespace cromt::git
