#include "io/yaml/yaml_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"

namespace cromt {
namespace {

constexpr std::array<std::string_view, 10> kTags = {"",
                                                    "?",
                                                    "!",
                                                    "tag:yaml.org,2002:str",
                                                    "tag:yaml.org,2002:int",
                                                    "tag:yaml.org,2002:float",
                                                    "tag:yaml.org,2002:bool",
                                                    "tag:yaml.org,2002:null",
                                                    "tag:yaml.org,2002:seq",
                                                    "tag:yaml.org,2002:map"};
constexpr std::array<std::string_view, 4> kNullWords = {"null", "Null", "NULL", "~"};

Position From(const YAML::Mark& mark) {
  return {static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1};
}

void CheckTag(const std::string& tag, Position at) {
  for (std::string_view known : kTags)
    if (tag == known) return;
  throw YamlRefusal{at, fmt::format("tag {} is not allowed", Quote(tag))};
}

// "null" or "~" if that is what stands at `pos`: yaml-cpp's event does not tell a written null from nothing at all.
std::string_view NullWordAt(std::string_view source, int pos) {
  std::string_view rest = source.substr(std::min(static_cast<size_t>(std::max(pos, 0)), source.size()));
  for (std::string_view word : kNullWords)
    if (rest.starts_with(word)) return word;
  return {};
}

}  // namespace

void YamlTreeBuilder::Finish() {
  if (tree_.nodes_.empty()) tree_.nodes_.emplace_back();
}

void YamlTreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (has_document_) throw YamlRefusal{From(mark), "a second document; a file holds one"};
  has_document_ = true;
}

bool YamlTreeBuilder::ExpectsKey() const {
  return !stack_.empty() && tree_.nodes_[stack_.back().node].stored == Stored::kMap && stack_.back().children % 2 == 0;
}

// Appends a node and hangs it below the open one.
uint32_t YamlTreeBuilder::Add(const YAML::Mark& mark, Stored stored) {
  ++events_;
  last_at_ = From(mark);
  if (tree_.nodes_.size() >= kMaxYamlNodes)
    throw YamlRefusal{last_at_, fmt::format("the file has more than {} values", kMaxYamlNodes)};
  CountExpanded(1);
  auto index = static_cast<uint32_t>(tree_.nodes_.size());
  YamlTree::Node& node = tree_.nodes_.emplace_back();
  node.offset = static_cast<uint32_t>(mark.pos);
  node.stored = stored;
  if (stack_.empty()) return index;
  Frame& top = stack_.back();
  (top.last_child == YamlTree::kEnd ? tree_.nodes_[top.node].first : tree_.nodes_[top.last_child].next) = index;
  top.last_child = index;
  ++top.children;
  Raise(1);
  return index;
}

void YamlTreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  bool is_key = ExpectsKey();
  uint32_t before = stack_.empty() ? YamlTree::kEnd : stack_.back().last_child;
  std::string_view word = NullWordAt(tree_.source_, mark.pos);
  uint32_t node = Add(mark, Stored::kNull);
  if (is_key)
    SetText(node, mark, word);
  else if (word.empty() && before != YamlTree::kEnd)  // nothing there: the mark is that of what follows
    tree_.nodes_[node].offset = tree_.nodes_[before].offset;
  if (anchor) Remember(anchor, {node, 1, 1});
}

void YamlTreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (ExpectsKey()) throw YamlRefusal{From(mark), "an alias as a key; a key must be text"};
  const Anchor& target = anchors_[anchor - 1];
  if (target.height == 0) throw YamlRefusal{From(mark), "an alias within what it names"};
  uint32_t node = Add(mark, Stored::kAlias);
  tree_.nodes_[node].first = target.node;
  CountExpanded(target.expanded);
  Raise(target.height);
}

void YamlTreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                               const std::string& value) {
  CheckTag(tag, From(mark));
  if (value.size() > kMaxYamlScalarBytes)
    throw YamlRefusal{From(mark),
                      fmt::format("a text of {} bytes; at most {} are allowed", value.size(), kMaxYamlScalarBytes)};
  if (value.find('\0') != std::string::npos) throw YamlRefusal{From(mark), "a text with a NUL"};
  if (!IsUtf8(value)) throw YamlRefusal{From(mark), "a text that is not valid UTF-8"};
  if (ExpectsKey() && value == "<<" && tag == "?")
    throw YamlRefusal{From(mark),
                      "merge keys ('<<') are not supported; use an alias for the whole value, or repeat the keys"};
  uint32_t node = Add(mark, Stored::kSourceText);
  SetText(node, mark, value);
  if (anchor) Remember(anchor, {node, 1, 1});
}

void YamlTreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                      YAML::EmitterStyle::value) {
  Open(mark, tag, anchor, Stored::kList);
}

void YamlTreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                 YAML::EmitterStyle::value) {
  Open(mark, tag, anchor, Stored::kMap);
}

void YamlTreeBuilder::Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Stored stored) {
  CheckTag(tag, From(mark));
  if (ExpectsKey()) throw YamlRefusal{From(mark), "a list or map as a key; a key must be text"};
  if (stack_.size() >= kMaxYamlDepth)
    throw YamlRefusal{From(mark), fmt::format("nested deeper than {} levels", kMaxYamlDepth)};
  uint64_t expanded = expanded_;
  uint32_t node = Add(mark, stored);
  if (anchor) Remember(anchor, {node});
  stack_.push_back({.node = node, .anchor = static_cast<uint32_t>(anchor), .expanded = expanded});
}

void YamlTreeBuilder::Close() {
  ++events_;
  Frame frame = stack_.back();
  stack_.pop_back();
  YamlTree::Node& node = tree_.nodes_[frame.node];
  bool is_map = node.stored == Stored::kMap;
  node.size = is_map ? frame.children / 2 : frame.children;
  if (is_map) CheckDuplicates(frame.node);
  if (frame.anchor) Remember(frame.anchor, {frame.node, frame.height, expanded_ - frame.expanded});
  Raise(frame.height);
}

// What was added to the open node is `height` high.
void YamlTreeBuilder::Raise(uint32_t height) {
  if (stack_.empty()) return;
  if (stack_.size() + height > kMaxYamlDepth + 1)
    throw YamlRefusal{last_at_, fmt::format("nested deeper than {} levels through its aliases", kMaxYamlDepth)};
  stack_.back().height = std::max(stack_.back().height, height + 1);
}

void YamlTreeBuilder::CountExpanded(uint64_t nodes) {
  expanded_ += nodes;
  if (expanded_ > kMaxYamlExpandedNodes)
    throw YamlRefusal{last_at_, fmt::format("its aliases expand to more than {} values", kMaxYamlExpandedNodes)};
}

// yaml-cpp numbers anchors from 1 in the order of their appearance.
void YamlTreeBuilder::Remember(YAML::anchor_t anchor, const Anchor& what) {
  if (anchor > kMaxYamlAnchors) throw YamlRefusal{last_at_, fmt::format("more than {} anchors", kMaxYamlAnchors)};
  if (anchors_.size() < anchor) anchors_.resize(anchor);
  anchors_[anchor - 1] = what;
}

// Points into the source where the text stands there as it is, else keeps a copy.
void YamlTreeBuilder::SetText(uint32_t index, const YAML::Mark& mark, std::string_view text) {
  YamlTree::Node& node = tree_.nodes_[index];
  node.size = static_cast<uint32_t>(text.size());
  for (size_t pos : {static_cast<size_t>(mark.pos), static_cast<size_t>(mark.pos) + 1}) {
    if (pos > tree_.source_.size() || tree_.source_.compare(pos, text.size(), text) != 0) continue;
    node.stored = Stored::kSourceText;
    node.first = static_cast<uint32_t>(pos);
    return;
  }
  node.stored = Stored::kOtherText;
  node.first = static_cast<uint32_t>(tree_.other_.size());
  tree_.other_ += text;
}

std::string_view YamlTreeBuilder::TextOf(uint32_t index) const {
  const YamlTree::Node& node = tree_.nodes_[index];
  const std::string& from = node.stored == Stored::kSourceText ? tree_.source_ : tree_.other_;
  return std::string_view(from).substr(node.first, node.size);
}

Position YamlTreeBuilder::AtOf(uint32_t node) const {
  return tree_.lines_.At(tree_.source_, tree_.nodes_[node].offset);
}

// Reports each repeated key and takes its pair out of the map.
void YamlTreeBuilder::CheckDuplicates(uint32_t map) {
  std::vector<std::pair<std::string_view, uint32_t>> keys;
  keys.reserve(tree_.nodes_[map].size);
  for (uint32_t key = tree_.nodes_[map].first; key != YamlTree::kEnd; key = NextKey(key))
    keys.emplace_back(TextOf(key), key);
  std::sort(keys.begin(), keys.end());
  std::vector<uint32_t> repeated;
  for (size_t first = 0, i = 1; i < keys.size(); ++i) {
    const auto& [text, key] = keys[i];
    if (text != keys[first].first) {
      first = i;
      continue;
    }
    repeated.push_back(key);
    if (diagnostics_.full()) {
      diagnostics_.Error({}, "duplicate key");
      continue;
    }
    Position at = AtOf(keys[first].second);
    diagnostics_.Error(AtOf(key), fmt::format("duplicate key {}; the first is at {}:{}", Quote(text), at.line, at.col));
  }
  if (!repeated.empty()) Remove(map, std::move(repeated));
}

// REQUIRES: the first key of `map` is not among `keys`.
void YamlTreeBuilder::Remove(uint32_t map, std::vector<uint32_t> keys) {
  std::sort(keys.begin(), keys.end());
  tree_.nodes_[map].size -= static_cast<uint32_t>(keys.size());
  for (uint32_t key = tree_.nodes_[map].first; key != YamlTree::kEnd; key = NextKey(key)) {
    uint32_t next = NextKey(key);
    while (next != YamlTree::kEnd && std::binary_search(keys.begin(), keys.end(), next)) next = NextKey(next);
    tree_.nodes_[tree_.nodes_[key].next].next = next;
  }
}

uint32_t YamlTreeBuilder::NextKey(uint32_t key) const {
  return tree_.nodes_[tree_.nodes_[key].next].next;
}

}  // namespace cromt
