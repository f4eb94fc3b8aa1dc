// While it lives, no file of this process can grow beyond `bytes`: writes are short, then fail, as on a full disk.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <cstdint>

namespace cromt {

class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

}  // namespace cromt
