#include "io/yaml/line_index.h"

#include <algorithm>

namespace cromt {
namespace {

constexpr size_t kBlockBytes = 2048;

}  // namespace

LineIndex::LineIndex(std::string_view text) {
  Block block{1, 0};
  blocks_.reserve(text.size() / kBlockBytes + 1);
  for (size_t begin = 0; begin <= text.size(); begin += kBlockBytes) {
    blocks_.push_back(block);
    std::string_view upto = text.substr(0, begin + kBlockBytes);  // a search beyond would be quadratic in a long line
    for (size_t i = upto.find('\n', begin); i != upto.npos; i = upto.find('\n', i + 1)) {
      ++block.line;
      block.start = static_cast<uint32_t>(i) + 1;
    }
  }
}

Position LineIndex::At(std::string_view text, size_t offset) const {
  offset = std::min(offset, text.size());
  auto [line, start] = blocks_[offset / kBlockBytes];
  std::string_view upto = text.substr(0, offset);
  for (size_t i = upto.find('\n', offset / kBlockBytes * kBlockBytes); i != upto.npos; i = upto.find('\n', i + 1)) {
    ++line;
    start = static_cast<uint32_t>(i) + 1;
  }
  return {line, static_cast<uint32_t>(offset) - start + 1};
}

}  // namespace cromt
