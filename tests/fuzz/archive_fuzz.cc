// Archives, read and extracted into a scratch folder with small limits. Whatever the bytes: nothing appears or changes
// outside of the folder; what is made are files, directories and links that stay within it, no more than the limits
// allow, with the modes we give; and what the reader accepts, the writer writes again.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "io/archive/extract.h"
#include "io/archive/header.h"
#include "io/archive/reader.h"
#include "io/archive/writer.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr ExtractLimits kLimits{.entries = 64, .total_bytes = 256 << 10};

// A folder of its own for this process: `tree`, where archives go to, and `outside`, which they must not touch.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "cromt-fuzz-XXXXXX").string();
    Require(mkdtemp(pattern.data()) != nullptr, "there is a scratch folder");
    top_ = pattern;
    fs::create_directory(top_ / "outside");
    std::ofstream(top_ / "outside/kept") << "untouched";
    fs::create_directory(tree());
    seen_ = Seen();
  }
  ~Scratch() { fs::remove_all(top_); }

  fs::path tree() const { return top_ / "tree"; }

  void Empty() {
    if (fs::is_empty(tree())) return;
    fs::remove_all(tree());
    fs::create_directory(tree());
  }

  // Cheap, since it is asked for each input: a new file would change the time of its folder.
  void RequireUntouched() const {
    Require(Seen() == seen_, "what lies outside is as it was");
    Require(std::distance(fs::directory_iterator(top_), {}) == 2, "nothing new beside the folder");
  }

 private:
  // Size and times of what lies outside.
  std::array<int64_t, 4> Seen() const {
    struct stat folder {
    }, file{};
    Require(stat((top_ / "outside").c_str(), &folder) == 0 && stat((top_ / "outside/kept").c_str(), &file) == 0,
            "what lies outside is there");
    return {folder.st_mtim.tv_nsec, file.st_mtim.tv_nsec, file.st_ctim.tv_nsec, file.st_size};
  }

  std::array<int64_t, 4> seen_{};
  fs::path top_;
};

UniqueFd InMemory(std::string_view bytes) {
  UniqueFd fd(memfd_create("archive", MFD_CLOEXEC));
  Require(fd && write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memory is there");
  Require(lseek(fd.get(), 0, SEEK_SET) == 0, "a file begins at 0");
  return fd;
}

// Where a link leads, by its text alone, is below `tree`.
void RequireWithin(const fs::path& tree, const fs::path& link) {
  fs::path target = fs::read_symlink(link);
  fs::path place = (link.parent_path() / target).lexically_normal();
  auto [in_tree, in_place] = std::mismatch(tree.begin(), tree.end(), place.begin(), place.end());
  Require(target.is_relative() && in_tree == tree.end(), "a link stays within the folder", target.native());
}

// Returns the bytes of all files.
int64_t RequireSoundTree(const fs::path& tree, int64_t& entries) {
  int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(tree)) {
    ++entries;
    struct stat facts {};
    Require(lstat(entry.path().c_str(), &facts) == 0, "what is listed is there");
    Require((facts.st_mode & (S_ISUID | S_ISGID | S_ISVTX)) == 0, "no special bits", entry.path().native());
    if (S_ISLNK(facts.st_mode)) {
      RequireWithin(tree, entry.path());
      continue;
    }
    Require(S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode), "files, directories and links", entry.path().native());
    Require(facts.st_nlink == 1 || S_ISDIR(facts.st_mode), "no hard links", entry.path().native());
    Require((facts.st_mode & 07777) == 0755 || (S_ISREG(facts.st_mode) && (facts.st_mode & 07777) == 0644),
            "the modes are ours", entry.path().native());
    if (S_ISREG(facts.st_mode)) bytes += facts.st_size;
  }
  return bytes;
}

void CheckExtraction(Scratch& scratch, std::string_view archive) {
  UniqueFd fd = InMemory(archive);
  auto extracted = ExtractArchive(fd.get(), scratch.tree(), kLimits);
  scratch.RequireUntouched();
  int64_t entries = 0;
  int64_t bytes = RequireSoundTree(scratch.tree(), entries);
  Require(entries <= kLimits.entries + 1 && bytes <= kLimits.total_bytes, "the limits hold");
  if (extracted)
    Require(extracted->entries == entries && extracted->total_bytes == bytes, "what it says it made is there");
  else
    RequireRefusal(extracted.error());
  scratch.Empty();
}

// Reads `archive` and writes all of it again; nullopt if it is refused.
std::optional<std::string> Rewritten(std::string_view archive) {
  UniqueFd fd = InMemory(archive);
  ArchiveReader reader(fd.get());
  std::string out;
  ArchiveWriter writer([&](std::string_view bytes) { return out.append(bytes), Status(); });
  for (;;) {
    auto entry = reader.Next();
    if (!entry) return RequireRefusal(entry.error()), std::nullopt;
    if (!*entry) break;
    Require(CheckEntry(**entry).has_value(), "an entry that is read is sound", (*entry)->path);
    if ((*entry)->size_bytes > static_cast<int64_t>(archive.size())) return std::nullopt;
    Require(writer.Add(**entry).has_value(), "what is read can be written", (*entry)->path);
    for (;;) {
      auto bytes = reader.Data();
      if (!bytes) return RequireRefusal(bytes.error()), std::nullopt;
      if (bytes->empty()) break;
      Require(writer.Data(*bytes).has_value(), "bytes can be written");
    }
  }
  Require(writer.Finish().has_value(), "an end can be written");
  return out;
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  static Scratch scratch;
  std::string_view archive = Text(data, size);
  CheckExtraction(scratch, archive);
  if (auto written = Rewritten(archive)) {
    auto again = Rewritten(*written);
    Require(again == written, "what is written reads as it was");
  }
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutates, then makes the sum of each header right, for else nearly every input would be refused for its sum.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  using namespace cromt::tar;
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 == 0) return size;
  for (size_t at = 0; at + kBlockBytes <= size; at += kBlockBytes) {
    Header header;
    std::memcpy(&header, data + at, sizeof header);
    if (std::memcmp(header.magic, "ustar", sizeof header.magic) != 0) continue;
    fmt::format_to_n(header.checksum, 7, "{:06o}", ChecksumOf(header));
    header.checksum[6] = '\0';
    header.checksum[7] = ' ';
    std::memcpy(data + at, &header, sizeof header);
  }
  return size;
}
