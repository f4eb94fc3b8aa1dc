// What an engine sends of a process's two outputs over one connection: frames of eight bytes of header, the stream's
// number first and the size last, and that many bytes. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace cromt {

class StreamFrames {
 public:
  using Sink = std::function<void(int stream, std::string_view bytes)>;

  // Takes the next bytes as they come, cut anywhere, and passes on what they bring. False for what is no frame.
  bool Take(std::string_view bytes, const Sink& sink);
  // Nothing is missing of the last frame.
  bool complete() const { return header_.empty() && left_ == 0; }

 private:
  std::string header_;  // what there is of it
  int stream_ = 0;
  uint32_t left_ = 0;  // bytes of the frame
};

}  // namespace cromt
