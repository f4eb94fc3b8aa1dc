#include "io/git/tree_record.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "base/random.h"
#include "io/blob/digest.h"

namespace cromt::git {

namespace {

// Changes with the archive's format, so that trees packed in an older one are packed again.
constexpr std::string_view kFormat = "tree 2 ";

}  // namespace

std::optional<TreeRecord> ReadTreeRecord(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || !line.starts_with(kFormat)) return std::nullopt;
  line.erase(0, kFormat.size());
  TreeRecord record;
  record.tree.sha256 = line.substr(0, line.find(' '));
  const char* size = line.data() + std::min(line.size(), record.tree.sha256.size() + 1);
  auto [end, error] = std::from_chars(size, line.data() + line.size(), record.tree.size_bytes);
  if (error != std::errc() || end != line.data() + line.size() || !CheckDigest(record.tree)) return std::nullopt;
  Submodule module;
  while (std::getline(in, module.path, '\0') && std::getline(in, module.commit, '\0') &&
         std::getline(in, module.url, '\0'))
    record.submodules.push_back(module);
  return record;
}

void WriteTreeRecord(const std::filesystem::path& file, const TreeRecord& record) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  SystemRandom random;
  std::filesystem::path fresh = file;
  fresh += "." + RandomName(random);
  {
    std::ofstream out(fresh);
    out << kFormat << record.tree.sha256 << ' ' << record.tree.size_bytes << '\n';
    // No path, commit or URL holds a NUL.
    for (const Submodule& module : record.submodules)
      out << module.path << '\0' << module.commit << '\0' << module.url << '\0';
    out.close();
    if (!out) {
      std::filesystem::remove(fresh, error);
      return;
    }
  }
  std::filesystem::rename(fresh, file, error);
}

}  // namespace cromt::git
