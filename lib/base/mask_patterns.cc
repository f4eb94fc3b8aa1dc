#include "base/mask_patterns.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string_view Trimmed(std::string_view text, std::string_view what) {
  const size_t begin = text.find_first_not_of(what);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(what) + 1 - begin);
}

// Of a value that is written by itself: line ends behind it often aren't.
std::string_view WithoutLineEnd(std::string_view value) {
  const size_t last = value.find_last_not_of("\r\n");
  return last == value.npos ? std::string_view() : value.substr(0, last + 1);
}

std::string InJson(std::string_view value) {
  std::string out;
  for (const char c : value) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

// The six bits from `bit` on; beyond the end they are 0.
unsigned SixBits(std::string_view bytes, size_t bit) {
  unsigned value = 0;
  for (size_t i = bit; i < bit + 6; ++i) {
    const unsigned byte = i / 8 < bytes.size() ? static_cast<unsigned char>(bytes[i / 8]) : 0;
    value = value << 1 | (byte >> (7 - i % 8) & 1);
  }
  return value;
}

// Of what stands behind so many bytes that are not known.
void AddBase64(const std::string& bytes, size_t unknown, std::string_view alphabet, std::vector<std::string>& forms) {
  const size_t first = (unknown * 8 + 5) / 6;  // characters that say nothing of those before or behind
  const size_t end = bytes.size() * 8 / 6;
  std::string form;
  for (size_t i = first; i < end; ++i) form += alphabet[SixBits(bytes, i * 6)];
  forms.push_back(form);
  if (bytes.size() % 3 == 0) return;
  // Where nothing follows it, the last character is known, too.
  form += alphabet[SixBits(bytes, end * 6)];
  forms.push_back(form.append(3 - bytes.size() % 3, '='));
}

}  // namespace

std::vector<std::string> PlainForms(std::string_view value) {
  const std::string_view whole = WithoutLineEnd(value);
  if (whole.size() < kShortestMasked) return {};
  std::vector<std::string> forms = {std::string(whole), InJson(whole)};
  if (whole.find(' ') != whole.npos) {
    forms.emplace_back(whole);
    std::replace(forms.back().begin(), forms.back().end(), ' ', '+');
  }
  if (whole.find('\n') == whole.npos) return forms;
  for (std::string_view rest = whole; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (const std::string_view line = Trimmed(rest.substr(0, end), " \t\r"); line.size() >= kShortestMaskedLine)
      forms.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return forms;
}

std::vector<std::string> Base64Forms(std::string_view value) {
  const std::string_view whole = WithoutLineEnd(value);
  if (whole.size() < kShortestMasked) return {};
  std::vector<std::string> forms;
  for (const size_t before : {0u, 1u, 2u})  // bytes of the same group of three
    for (const char* behind : {"", "\n"})   // as `echo` has it
      for (const std::string_view alphabet : {kStandard, kUrl})
        AddBase64(std::string(before, '\0').append(whole).append(behind), before, alphabet, forms);
  return forms;
}

// ---- The tree ---------------------------------------------------------------------------------

PatternTree::PatternTree() : nodes_(1) {}

uint32_t PatternTree::Child(uint32_t state, unsigned char byte) const {
  if (state == 0) return root_[byte];
  uint32_t child = nodes_[state].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

void PatternTree::Add(std::string_view pattern) {
  uint32_t state = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    uint32_t child = Child(state, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      Node node;
      node.byte = byte;
      node.depth = nodes_[state].depth + 1;
      node.sibling = nodes_[state].child;
      nodes_[state].child = child;
      nodes_.push_back(node);
      if (state == 0) root_[byte] = child;
    }
    state = child;
  }
  nodes_[state].ending = nodes_[state].depth;
}

// Level by level, so that what is shorter is complete before what is longer.
void PatternTree::Complete() {
  std::vector<uint32_t> queue = {0};
  for (size_t i = 0; i < queue.size(); ++i) {
    const uint32_t parent = queue[i];
    for (uint32_t child = nodes_[parent].child; child != 0; child = nodes_[child].sibling) {
      Node& node = nodes_[child];
      node.fail = parent == 0 ? 0 : Step(nodes_[parent].fail, node.byte);
      if (node.ending == 0) node.ending = nodes_[node.fail].ending;
      node.open = node.child != 0 ? child : nodes_[node.fail].open;
      queue.push_back(child);
    }
  }
}

uint32_t PatternTree::Step(uint32_t state, unsigned char byte) const {
  for (;; state = nodes_[state].fail) {
    if (const uint32_t child = Child(state, byte); child != 0 || state == 0) return child;
  }
}

// ---- All patterns -----------------------------------------------------------------------------

MaskPatterns::MaskPatterns(std::span<const std::string> values) {
  for (const std::string& value : values) {
    for (const std::string& form : PlainForms(value)) plain_.Add(form);
    for (const std::string& form : Base64Forms(value)) base64_.Add(form);
  }
  plain_.Complete();
  base64_.Complete();
}

}  // namespace cromt
