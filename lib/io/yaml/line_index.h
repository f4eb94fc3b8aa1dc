// Finds line and column of a byte, without a table of all lines: one entry a block of bytes, and a short search.
#pragma once

#include <string_view>
#include <vector>

#include "core/diagnostic.h"

namespace cromt {

class LineIndex {
 public:
  explicit LineIndex(std::string_view text);

  // REQUIRES: `text` is the one of the constructor. An offset past its end is that of its end.
  Position At(std::string_view text, size_t offset) const;

 private:
  struct Block {
    uint32_t line;   // of the block's first byte, from 1
    uint32_t start;  // of that line
  };
  std::vector<Block> blocks_;
};

}  // namespace cromt
