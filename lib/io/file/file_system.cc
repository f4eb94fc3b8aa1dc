#include "io/file/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/unique_fd.h"

namespace cromt {
namespace {

class SystemFile final : public File {
 public:
  explicit SystemFile(UniqueFd fd) : fd_(std::move(fd)) {}
  ssize_t Read(void* bytes, size_t size, uint64_t offset) override {
    return ::pread(fd_.get(), bytes, size, static_cast<off_t>(offset));
  }
  ssize_t Write(const void* bytes, size_t size, uint64_t offset) override {
    return ::pwrite(fd_.get(), bytes, size, static_cast<off_t>(offset));
  }
  int Truncate(uint64_t size) override { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }
  int Sync() override { return ::fsync(fd_.get()); }
  int SyncData() override { return ::fdatasync(fd_.get()); }
  int Allocate(uint64_t offset, uint64_t size) override {
    return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size));
  }
  int Extend(uint64_t from, uint64_t to) override {
    errno = ::posix_fallocate(fd_.get(), static_cast<off_t>(from), static_cast<off_t>(to - from));
    return errno == 0 ? 0 : -1;
  }
  int64_t Size() override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return -1;
    if (S_ISREG(info.st_mode)) return info.st_size;
    errno = EINVAL;
    return -1;
  }

 private:
  const UniqueFd fd_;
};

class SystemFileSystem final : public FileSystem {
 public:
  std::unique_ptr<File> Open(const std::string& path, int flags, mode_t mode) override {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    return fd ? std::make_unique<SystemFile>(std::move(fd)) : nullptr;
  }
  int64_t Size(const std::string& path) override {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_size : -1;
  }
  int Look(const std::string& path, struct stat& info) override { return ::lstat(path.c_str(), &info); }
  int Space(const std::string& path, struct statvfs& disk) override { return ::statvfs(path.c_str(), &disk); }
  int Rename(const std::string& from, const std::string& to) override { return ::rename(from.c_str(), to.c_str()); }
  int Unlink(const std::string& path) override { return ::unlink(path.c_str()); }
  int MakeDirectory(const std::string& path, mode_t mode) override { return ::mkdir(path.c_str(), mode); }
  int List(const std::string& path, std::vector<std::string>& names) override {
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
    if (!stream) return -1;
    while (const dirent* entry = ::readdir(stream.get()))
      if (std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
    return 0;
  }
  int SyncDirectory(const std::string& path) override {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd ? ::fsync(fd.get()) : -1;
  }
};

}  // namespace

FileSystem& SystemFiles() {
  static SystemFileSystem files;
  return files;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
}

}  // namespace cromt
