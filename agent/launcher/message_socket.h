// A nonblocking stream socket with a buffer on each side: what launcher and agent share of their connection.
// Not thread-safe; the owner watches fd() for reading, and for writing while wants_write().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

class MessageSocket {
 public:
  // REQUIRES: `fd` is a connected, nonblocking stream socket.
  explicit MessageSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  MessageSocket(MessageSocket&&) = default;
  MessageSocket& operator=(MessageSocket&&) = default;

  int fd() const { return fd_.get(); }

  // Reads what is there, up to one buffer full, behind what was not consumed. kUnavailable when the other side
  // closed or broke the connection.
  Status Fill();
  // What was read and not consumed yet.
  std::string_view received() const { return std::string_view(in_).substr(taken_); }
  void Consume(size_t bytes);

  // Append messages here, then Flush.
  std::string& out() { return out_; }
  size_t unsent_bytes() const { return out_.size() - sent_; }
  bool wants_write() const { return unsent_bytes() > 0; }
  // Writes what the socket takes; the rest stays. kUnavailable as for Fill.
  Status Flush();

 private:
  UniqueFd fd_;
  std::string in_;
  size_t taken_ = 0;
  std::string out_;
  size_t sent_ = 0;
};

}  // namespace cromt::launcher
