// Folders that are made once on a host and kept for every job of its user: a folder is filled beside its place and
// moved there when it is whole, so nobody sees half of one; of two that are made for the same place, one is kept.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace cromt::step {

// $XDG_CACHE_HOME/cromt/`kind`, else ~/.cache/cromt/`kind`; empty where neither is absolute.
std::string CacheFolder(std::string_view kind);

class StagedFolder {
 public:
  // A new, empty folder in `cache`, which is made with what leads to it. kInvalid where `cache` is empty.
  static Result<StagedFolder> Make(const std::string& cache);
  StagedFolder(StagedFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  StagedFolder& operator=(StagedFolder&&) = delete;
  ~StagedFolder();  // removes it

  const std::string& path() const { return path_; }

  // Moves `relative` of it ("." is all) to `to`, beside it. What is there already is kept if `is_right`, else replaced.
  Status MoveTo(const std::string& relative, const std::string& to, const std::function<bool()>& is_right);

 private:
  explicit StagedFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace cromt::step
