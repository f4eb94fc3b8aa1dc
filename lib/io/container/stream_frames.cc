#include "io/container/stream_frames.h"

#include <algorithm>

namespace cromt {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr int kMostStream = 2;  // 0 is stdin, echoed; 1 and 2 are the outputs

}  // namespace

bool StreamFrames::Take(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (left_ == 0) {
      const size_t some = std::min(bytes.size(), kHeaderBytes - header_.size());
      header_ += bytes.substr(0, some);
      bytes.remove_prefix(some);
      if (header_.size() < kHeaderBytes) return true;
      stream_ = static_cast<unsigned char>(header_[0]);
      if (stream_ > kMostStream || header_[1] != 0 || header_[2] != 0 || header_[3] != 0) return false;
      for (size_t i = 4; i < kHeaderBytes; ++i) left_ = left_ << 8 | static_cast<unsigned char>(header_[i]);
      header_.clear();
    }
    const size_t some = std::min<size_t>(bytes.size(), left_);
    if (some > 0) sink(stream_, bytes.substr(0, some));
    left_ -= static_cast<uint32_t>(some);
    bytes.remove_prefix(some);
  }
  return true;
}

}  // namespace cromt
