// YAML as a checked tree with positions, read through yaml-cpp's event API. Nothing is interpreted: a scalar is its
// text, byte for byte, and `1.10`, `yes` and `Y` stay what was written.
//
// Refused, each with its place: duplicate keys, merge keys (`<<`), keys that are not text, tags other than the core
// ones, a second document, an alias within what it names, control characters, broken UTF-8 and UTF-16, and whatever
// exceeds the limits below. A hostile text costs less than a second and 64 MB.
//
// A tree is immutable; any thread may read it. Nodes are handles into a tree, which must outlive them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "core/diagnostic.h"
#include "io/yaml/line_index.h"

namespace cromt {

inline constexpr size_t kMaxYamlBytes = 16 << 20;
inline constexpr size_t kMaxYamlScalarBytes = 1 << 20;
inline constexpr size_t kMaxYamlNodes = 600'000;               // as written; keys count
inline constexpr uint64_t kMaxYamlExpandedNodes = 10'000'000;  // with each alias counted as what it stands for
inline constexpr size_t kMaxYamlAnchors = 10'000;
inline constexpr uint32_t kMaxYamlDepth = 64;  // through aliases, too

enum class YamlKind : uint8_t { kNull, kText, kList, kMap };

// "text", "a list", "a map", "nothing".
std::string_view ToString(YamlKind kind);

class YamlTree;

class YamlNode {
 public:
  YamlKind kind() const;
  bool is_null() const { return kind() == YamlKind::kNull; }
  Position at() const;
  // The place of a byte of its text, where that stands here as it is; else at(), as for escaped text or behind
  // an anchor.
  Position at(size_t byte) const;
  // Of text; empty for anything else, except for a key written as null or ~, which is its text.
  std::string_view text() const;
  // Of text: written without quotes, in one line; so it may mean a number or a flag.
  bool is_plain() const;
  // Entries of a list or pairs of a map.
  size_t size() const;
  // The same number for two nodes if an alias made one of the other.
  uint32_t id() const { return index_; }

  // Walk a list: for (auto node = list.first(); node; node = node.next()). In a map, keys and values take turns.
  YamlNode first() const;
  YamlNode next() const;
  explicit operator bool() const { return tree_ != nullptr; }

 private:
  friend class YamlTree;
  YamlNode() = default;
  YamlNode(const YamlTree* tree, uint32_t place);

  const YamlTree* tree_ = nullptr;  // null = past the end
  uint32_t place_ = 0;              // where it stands
  uint32_t index_ = 0;              // what it is: itself, or what the alias there names
};

class YamlTree {
 public:
  // Null after an error that left nothing to look at. Duplicate keys are errors too, but the tree is given: the
  // first of them counts. REQUIRES: nothing of `text`.
  static std::unique_ptr<YamlTree> Read(std::string text, Diagnostics& diagnostics);

  YamlNode root() const { return YamlNode(this, 0); }

 private:
  friend class YamlNode;
  friend class YamlTreeBuilder;

  static constexpr uint32_t kEnd = UINT32_MAX;
  enum class Stored : uint8_t { kNull, kSourceText, kOtherText, kList, kMap, kAlias };

  struct Node {
    uint32_t offset = 0;     // of the source, where it stands
    uint32_t first = kEnd;   // child; for text, where it begins; for an alias, what it names
    uint32_t next = kEnd;    // sibling
    uint32_t size : 28 = 0;  // entries or pairs; bytes of text
    Stored stored : 4 = Stored::kNull;
  };
  static_assert(sizeof(Node) == 16 && kMaxYamlBytes < (1 << 28));

  explicit YamlTree(std::string source) : source_(std::move(source)), lines_(source_) {}

  std::string source_;
  LineIndex lines_;
  std::string other_;  // texts that are not in the source as they stand: folded, escaped, tagged
  std::deque<Node> nodes_;
};

}  // namespace cromt
