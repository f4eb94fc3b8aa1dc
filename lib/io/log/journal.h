// journald's own way in: messages with fields, as its "Native Journal Protocol" says. Not thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

namespace cromt::log {

using Field = std::pair<std::string, std::string>;

// Whether `fd` is what the service manager has connected to the journal, as it says in JOURNAL_STREAM.
bool IsJournal(int fd, const char* journal_stream);

// One message of that protocol. Names of fields are A-Z, 0-9 and _.
std::string JournalMessage(std::span<const Field> fields);

class Journal {
 public:
  // `path` is its socket's.
  explicit Journal(std::string path = "/run/systemd/journal/socket");

  // False where it was not taken: say it another way. Blocks while the journal's queue is full, as writing to its
  // stream would.
  bool Write(std::span<const Field> fields);

 private:
  std::string path_;
  UniqueFd socket_;
};

}  // namespace cromt::log
