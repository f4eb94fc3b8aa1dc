#include "agent/launcher/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace cromt::launcher {

std::string ReadAll(int fd) {
  std::string text;
  size_t size = 0;
  while (size < kMaxProcFileBytes) {
    text.resize(size + 4096);
    ssize_t got = read(fd, text.data() + size, 4096);
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

std::string ReadProcFile(const char* path) {
  UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  return file ? ReadAll(file.get()) : std::string();
}

}  // namespace cromt::launcher
