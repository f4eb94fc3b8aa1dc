#include "io/yaml/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <istream>

#include "base/name.h"
#include "io/yaml/yaml_builder.h"
#include "io/yaml/yaml_errors.h"
#include "io/yaml/yaml_feed.h"

namespace cromt {
namespace {

// Hands the events of all documents to `builder`, which refuses a second one.
void Parse(std::string_view source, YamlTreeBuilder& builder) {
  YamlFeed feed(source, builder);
  std::istream stream(&feed);
  YAML::Parser parser(stream);
  while (parser.HandleNextDocument(builder)) {
  }
}

}  // namespace

std::string_view ToString(YamlKind kind) {
  switch (kind) {
    case YamlKind::kNull: return "nothing";
    case YamlKind::kText: return "text";
    case YamlKind::kList: return "a list";
    case YamlKind::kMap: return "a map";
  }
  return "";
}

YamlNode::YamlNode(const YamlTree* tree, uint32_t place) : place_(place), index_(place) {
  if (place == YamlTree::kEnd) return;
  tree_ = tree;
  const YamlTree::Node& node = tree->nodes_[place];
  if (node.stored == YamlTree::Stored::kAlias) index_ = node.first;
}

YamlKind YamlNode::kind() const {
  switch (tree_->nodes_[index_].stored) {
    case YamlTree::Stored::kSourceText:
    case YamlTree::Stored::kOtherText: return YamlKind::kText;
    case YamlTree::Stored::kList: return YamlKind::kList;
    case YamlTree::Stored::kMap: return YamlKind::kMap;
    default: return YamlKind::kNull;
  }
}

Position YamlNode::at() const {
  return tree_->lines_.At(tree_->source_, tree_->nodes_[place_].offset);
}

Position YamlNode::at(size_t byte) const {
  const YamlTree::Node& node = tree_->nodes_[place_];
  if (node.stored != YamlTree::Stored::kSourceText) return at();
  return tree_->lines_.At(tree_->source_, node.first + byte);
}

std::string_view YamlNode::text() const {
  const YamlTree::Node& node = tree_->nodes_[index_];
  if (kind() != YamlKind::kText) return {};
  const std::string& from = node.stored == YamlTree::Stored::kSourceText ? tree_->source_ : tree_->other_;
  return std::string_view(from).substr(node.first, node.size);
}

bool YamlNode::is_plain() const {
  const YamlTree::Node& node = tree_->nodes_[index_];
  return node.stored == YamlTree::Stored::kSourceText && node.first == node.offset;
}

size_t YamlNode::size() const {
  return kind() == YamlKind::kText ? 0 : tree_->nodes_[index_].size;
}

YamlNode YamlNode::first() const {
  bool has_children = kind() == YamlKind::kList || kind() == YamlKind::kMap;
  return YamlNode(tree_, has_children ? tree_->nodes_[index_].first : YamlTree::kEnd);
}

YamlNode YamlNode::next() const {
  return YamlNode(tree_, tree_->nodes_[place_].next);
}

std::unique_ptr<YamlTree> YamlTree::Read(std::string text, Diagnostics& diagnostics) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (auto refusal = CheckYamlBytes(text)) {
    diagnostics.Error(refusal->at, refusal->message);
    return nullptr;
  }
  std::unique_ptr<YamlTree> tree(new YamlTree(std::move(text)));
  YamlTreeBuilder builder(*tree, diagnostics);
  try {
    Parse(tree->source_, builder);
  } catch (const YamlRefusal& refusal) {
    diagnostics.Error(refusal.at, refusal.message);
    return nullptr;
  } catch (const YAML::Exception& e) {
    YamlRefusal refusal = InOurWords(e, tree->source_, builder);
    diagnostics.Error(refusal.at, refusal.message);
    return nullptr;
  } catch (const std::exception& e) {
    diagnostics.Error({}, fmt::format("can't be read: {}", e.what()));
    return nullptr;
  }
  if (auto refusal = UnclosedQuote(tree->source_, builder)) {
    diagnostics.Error(refusal->at, refusal->message);
    return nullptr;
  }
  builder.Finish();
  return tree;
}

}  // namespace cromt
