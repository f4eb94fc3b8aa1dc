#include "io/log/journal.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace cromt::log {

bool IsJournal(int fd, const char* journal_stream) {
  struct stat info {};
  if (!journal_stream || ::fstat(fd, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == journal_stream;
}

std::string JournalMessage(std::span<const Field> fields) {
  std::string message;
  for (const auto& [name, value] : fields) {
    message += name;
    if (value.find('\n') == value.npos) {
      message += "=" + value;
    } else {  // the length, as eight bytes with the lowest first, in place of the sign
      message += '\n';
      for (size_t size = value.size(), i = 0; i < 8; ++i, size >>= 8) message += static_cast<char>(size & 0xff);
      message += value;
    }
    message += '\n';
  }
  return message;
}

Journal::Journal(std::string path) : path_(std::move(path)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool Journal::Write(std::span<const Field> fields) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  const std::string message = JournalMessage(fields);
  ssize_t sent = -1;
  do
    sent = ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
                    sizeof address);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(message.size());
}

}  // namespace cromt::log
