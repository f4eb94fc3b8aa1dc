// What a masked text may look like in output: the values themselves, and how programs write them down. Made once for
// the values of a task; then any number of maskers (masker.h) go by it, on any thread.
//
//   plain    a value without line ends behind it; each longer line of one with several; as it stands in JSON; with '+'
//            for blanks. Looked for in output as it is, and in output whose %XX are read, so in URLs of any spelling
//   base64   a value at any of its three places among the bytes that were encoded, in both alphabets. At its edges a
//            character that also says something of a neighbour is not meant, but where that is a line end, or nothing
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cromt {

// A shorter value is not looked for: too much else looks like it.
inline constexpr size_t kShortestMasked = 4;
// Nor is a shorter line of a value with several.
inline constexpr size_t kShortestMaskedLine = 8;

// Texts that are looked for all at once (Aho and Corasick's automaton). States are numbers; 0 is that of nothing seen.
class PatternTree {
 public:
  PatternTree();
  void Add(std::string_view pattern);
  // Call once, after the last Add and before what follows.
  void Complete();

  bool empty() const { return nodes_.size() == 1; }
  // Some pattern begins with it.
  bool Begins(unsigned char byte) const { return root_[byte] != 0; }
  uint32_t Step(uint32_t state, unsigned char byte) const;
  // How many bytes, the last ones seen, the state stands for.
  uint32_t Depth(uint32_t state) const { return nodes_[state].depth; }
  // Length of the longest pattern that ends here; 0 = none does.
  uint32_t Ending(uint32_t state) const { return nodes_[state].ending; }
  // The state that is left of it once what ends here was seen: that of the longest end of it that may yet become more.
  uint32_t Open(uint32_t state) const { return nodes_[state].open; }
  // The same of the ends of it that are shorter.
  uint32_t Shorter(uint32_t state) const { return nodes_[nodes_[state].fail].open; }

 private:
  // Small, for a value may be long: children are a list, and only the first byte has a table.
  struct Node {
    uint32_t child = 0;  // 0 = none
    uint32_t sibling = 0;
    uint32_t fail = 0;
    uint32_t depth = 0;
    uint32_t ending = 0;
    uint32_t open = 0;
    unsigned char byte = 0;
  };
  uint32_t Child(uint32_t state, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::array<uint32_t, 256> root_{};
};

class MaskPatterns {
 public:
  explicit MaskPatterns(std::span<const std::string> values);

  const PatternTree& plain() const { return plain_; }
  const PatternTree& base64() const { return base64_; }
  bool empty() const { return plain_.empty() && base64_.empty(); }
  // Some pattern begins with it, in any reading.
  bool Begins(unsigned char byte) const { return byte == '%' || plain_.Begins(byte) || base64_.Begins(byte); }

 private:
  PatternTree plain_;
  PatternTree base64_;
};

// The patterns of one value, as above; some may be there twice.
std::vector<std::string> PlainForms(std::string_view value);
std::vector<std::string> Base64Forms(std::string_view value);

}  // namespace cromt
