#include "cli/bundle_archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"
#include "io/archive/writer.h"

namespace cromt::cli {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's largest, with gzip's frame around it

}  // namespace

struct BundleArchive::Packer {
  explicit Packer(ByteSink sink) : archive(std::move(sink)) {}
  ~Packer() { ::deflateEnd(&stream); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  UniqueFd file;
  z_stream stream{};
  ArchiveWriter archive;
};

BundleArchive::BundleArchive(std::string path, std::string top)
    : path_(std::move(path)), part_(path_ + ".part"), top_(std::move(top)) {}

BundleArchive::~BundleArchive() {
  if (packer_ && packer_->file) ::unlink(part_.c_str());
}

Status BundleArchive::Open() {
  auto packer = std::make_unique<Packer>([this](std::string_view bytes) { return Deflate(bytes, false); });
  if (::deflateInit2(&packer->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return Fail(ErrorCode::kExhausted, "there is no memory to pack anything");
  packer->file.reset(::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!packer->file && errno == EEXIST)
    return Fail(ErrorCode::kInvalid, part_ + " is there already: another cromt writes it, or was killed; remove it");
  if (!packer->file) return Fail(ErrorCode::kInvalid, ErrnoError("can't make " + part_, errno).message);
  packer_ = std::move(packer);
  return AddDirectory(top_);
}

Status BundleArchive::AddDirectory(const std::string& path) {
  if (!directories_.insert(path).second) return {};
  return packer_->archive.Add({.path = path, .kind = EntryKind::kDirectory, .target = {}, .size_bytes = 0});
}

Status BundleArchive::Add(const BundleFile& file) {
  for (size_t slash = file.name.find('/'); slash != std::string::npos; slash = file.name.find('/', slash + 1))
    CROMT_TRY(AddDirectory(top_ + "/" + file.name.substr(0, slash)));
  CROMT_TRY(packer_->archive.Add({.path = top_ + "/" + file.name,
                                  .kind = EntryKind::kFile,
                                  .target = {},
                                  .size_bytes = static_cast<int64_t>(file.data.size())}));
  return packer_->archive.Data(file.data);
}

Status BundleArchive::Deflate(std::string_view bytes, bool last) {
  std::array<char, 64 << 10> out;
  z_stream& stream = packer_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = out.size();
    ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    std::string_view packed(out.data(), out.size() - stream.avail_out);
    bytes_ += static_cast<int64_t>(packed.size());
    while (!packed.empty()) {
      const ssize_t n = ::write(packer_->file.get(), packed.data(), packed.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write " + part_, errno));
      packed.remove_prefix(static_cast<size_t>(n));
    }
  } while (stream.avail_out == 0);
  return {};
}

Status BundleArchive::Finish(bool force) {
  CROMT_TRY(packer_->archive.Finish());
  CROMT_TRY(Deflate("", true));
  if (force) {
    if (::rename(part_.c_str(), path_.c_str()) != 0)
      return tl::unexpected<Error>(ErrnoError("can't make " + path_, errno));
    packer_->file.reset();
    return {};
  }
  // A link, for a rename would replace what somebody has put there meanwhile.
  if (::link(part_.c_str(), path_.c_str()) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + path_, errno));
  return {};
}

}  // namespace cromt::cli
