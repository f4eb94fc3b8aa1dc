// A debug bundle on its way into a file: a tar.gz for its owner alone, which is there whole or not at all. One thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "core/control.h"

namespace cromt::cli {

class BundleArchive final {
 public:
  // `top` is the directory that all lies in once it is unpacked.
  BundleArchive(std::string path, std::string top);
  // What is not finished is gone.
  ~BundleArchive();
  BundleArchive(const BundleArchive&) = delete;
  BundleArchive& operator=(const BundleArchive&) = delete;

  Status Open();
  // kInvalid for a name that would lie elsewhere.
  Status Add(const BundleFile& file);
  // Puts it in its place: that of another file only with `force`.
  Status Finish(bool force);
  int64_t bytes() const { return bytes_; }

 private:
  struct Packer;
  Status Deflate(std::string_view bytes, bool last);
  Status AddDirectory(const std::string& path);

  const std::string path_;
  const std::string part_;  // where it is until it is whole
  const std::string top_;
  std::unique_ptr<Packer> packer_;
  std::set<std::string> directories_;
  int64_t bytes_ = 0;
};

}  // namespace cromt::cli
