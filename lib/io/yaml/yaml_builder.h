// Builds a YamlTree from yaml-cpp's events and refuses what yaml_tree.h says. Used by yaml_tree.cc only.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <vector>

#include "io/yaml/yaml_feed.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

// Throws YamlRefusal from its handlers. Iterative; its depth is bounded by kMaxYamlDepth.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(YamlTree& tree, Diagnostics& diagnostics) : tree_(tree), diagnostics_(diagnostics) {}

  size_t events() const { return events_; }
  Position last_at() const { return last_at_; }
  // Bytes of the source before the newest value, and before the innermost list or map that is open.
  size_t last_offset() const { return tree_.nodes_.empty() ? 0 : tree_.nodes_.back().offset; }
  size_t open_offset() const { return stack_.empty() ? 0 : tree_.nodes_[stack_.back().node].offset; }

  // After the last event: an empty text has a null root.
  void Finish();

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { Close(); }

 private:
  using Stored = YamlTree::Stored;

  struct Frame {
    uint32_t node;
    uint32_t last_child = YamlTree::kEnd;
    uint32_t children = 0;
    uint32_t height = 1;    // of what is in it, itself included
    uint32_t anchor = 0;    // 0 = none
    uint64_t expanded = 0;  // the total when it was opened
  };
  struct Anchor {
    uint32_t node = YamlTree::kEnd;
    uint32_t height = 0;  // 0 = still open
    uint64_t expanded = 0;
  };

  uint32_t Add(const YAML::Mark& mark, Stored stored);
  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Stored stored);
  void Close();
  bool ExpectsKey() const;
  void SetText(uint32_t node, const YAML::Mark& mark, std::string_view text);
  void CheckDuplicates(uint32_t map);
  void Remove(uint32_t map, std::vector<uint32_t> keys);
  uint32_t NextKey(uint32_t key) const;
  void Remember(YAML::anchor_t anchor, const Anchor& what);
  void Raise(uint32_t height);
  void CountExpanded(uint64_t nodes);
  std::string_view TextOf(uint32_t node) const;
  Position AtOf(uint32_t node) const;

  YamlTree& tree_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  std::vector<Anchor> anchors_;
  size_t events_ = 0;
  uint64_t expanded_ = 0;
  bool has_document_ = false;
  Position last_at_{1, 1};
};

}  // namespace cromt
