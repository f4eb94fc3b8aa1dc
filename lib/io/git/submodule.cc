#include "io/git/submodule.h"

#include <fmt/format.h>

#include "base/name.h"
#include "io/archive/reader.h"
#include "io/archive/writer.h"

namespace cromt::git {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The value of a line `key = value`; nullopt for another key, and for a value that needs more than reading: quotes,
// escapes, comments.
std::optional<std::string_view> ValueOf(std::string_view line, std::string_view key) {
  const size_t equals = line.find('=');
  if (equals == line.npos || Trim(line.substr(0, equals)) != key) return std::nullopt;
  const std::string_view value = Trim(line.substr(equals + 1));
  if (value.find_first_of("\"\\;#") != value.npos) return std::nullopt;
  return value;
}

// Appends the entries of a tree to an archive, below `folder`.
class Joiner {
 public:
  Joiner(BlobStore& blobs, BlobWriter& to, int64_t max_files, int64_t max_tree_bytes)
      : blobs_(blobs), to_(to), max_files_(max_files), max_tree_bytes_(max_tree_bytes), writer_([this](auto bytes) {
          return Write(bytes);
        }) {}

  Status Add(const Digest& tree, const std::string& folder) {
    CROMT_ASSIGN(const UniqueFd file, blobs_.Read(tree));
    ArchiveReader reader(file.get());
    for (;;) {
      CROMT_ASSIGN(auto entry, reader.Next());
      if (!entry) return {};
      if (++files_ > max_files_)
        return Fail(ErrorCode::kExhausted, fmt::format("with its submodules it has more than {} files", max_files_));
      entry->path = folder + entry->path;
      CROMT_TRY(writer_.Add(*entry));
      for (;;) {
        CROMT_ASSIGN(const std::string_view data, reader.Data());
        if (data.empty()) break;
        CROMT_TRY(writer_.Data(data));
      }
    }
  }
  Status Finish() { return writer_.Finish(); }

 private:
  Status Write(std::string_view bytes) {
    if (to_.size_bytes() + static_cast<int64_t>(bytes.size()) > max_tree_bytes_)
      return Fail(ErrorCode::kExhausted,
                  fmt::format("with its submodules it takes more than {} bytes", max_tree_bytes_));
    return to_.Append(bytes);
  }

  BlobStore& blobs_;
  BlobWriter& to_;
  const int64_t max_files_, max_tree_bytes_;
  int64_t files_ = 0;
  ArchiveWriter writer_;
};

}  // namespace

std::string UrlIn(std::string_view module_file, std::string_view path) {
  std::string_view url;
  bool is_it = false;  // the section so far is of `path`
  while (!module_file.empty()) {
    const std::string_view line = Trim(module_file.substr(0, module_file.find('\n')));
    module_file.remove_prefix(std::min(module_file.size(), module_file.find('\n')));
    if (!module_file.empty()) module_file.remove_prefix(1);
    if (line.starts_with('[')) {
      if (is_it && !url.empty()) break;
      is_it = false;
      url = {};
    } else if (auto value = ValueOf(line, "path")) {
      is_it = *value == path;
    } else if (auto said = ValueOf(line, "url")) {
      url = *said;
    }
  }
  return is_it ? std::string(url) : "";
}

Result<std::string> ResolveSubmoduleUrl(std::string_view parent, std::string_view url) {
  if (!url.starts_with("./") && !url.starts_with("../")) return std::string(url);
  while (parent.ends_with('/')) parent.remove_suffix(1);
  const size_t scheme = parent.find("://");
  const size_t host_end = scheme == parent.npos ? parent.find(':') : parent.find('/', scheme + 3);
  const size_t root = host_end == parent.npos ? 0 : host_end + 1;  // where the repository's path begins
  for (;;) {
    if (url.starts_with("./")) {
      url.remove_prefix(2);
    } else if (url.starts_with("../")) {
      url.remove_prefix(3);
      const size_t slash = parent.rfind('/');
      if (parent.size() <= root) return Fail(ErrorCode::kInvalid, fmt::format("it climbs out of {}", Quote(parent)));
      parent = slash == parent.npos || slash < root ? parent.substr(0, root) : parent.substr(0, slash);
    } else {
      break;
    }
  }
  const bool is_at_root = parent.size() == root && root > 0;
  return fmt::format("{}{}{}", parent, is_at_root ? "" : "/", url);
}

Result<Digest> JoinTrees(BlobStore& blobs, const Digest& tree, const std::vector<TreePart>& parts, int64_t max_files,
                         int64_t max_tree_bytes) {
  CROMT_ASSIGN(BlobWriter writer, blobs.Write());
  Joiner joiner(blobs, writer, max_files, max_tree_bytes);
  CROMT_TRY(joiner.Add(tree, ""));
  for (const TreePart& part : parts)
    if (auto added = joiner.Add(part.tree, part.path + "/"); !added)
      return Fail(fmt::format("submodule {}", Quote(part.path)), added.error());
  CROMT_TRY(joiner.Finish());
  return writer.Commit();
}

}  // namespace cromt::git
