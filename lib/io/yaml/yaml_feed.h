// How the bytes of a YAML text reach yaml-cpp: checked, and no further than its events show progress.
// Used by yaml_tree.cc only.
#pragma once

#include <optional>
#include <streambuf>
#include <string>
#include <string_view>

#include "core/diagnostic.h"

namespace cromt {

class YamlTreeBuilder;

// Why a text is refused; thrown through yaml-cpp, never out of this folder.
struct YamlRefusal {
  Position at;
  std::string message;
};

// Size, encoding and control characters. REQUIRES: no byte order mark.
std::optional<YamlRefusal> CheckYamlBytes(std::string_view text);

// A stream over `text`. yaml-cpp holds all tokens of a flow collection until it is closed, and takes long over white
// space; neither gives events. So what is read between two events is bounded, and YamlRefusal is thrown beyond that.
class YamlFeed final : public std::streambuf {
 public:
  // Both must outlive it.
  YamlFeed(std::string_view text, const YamlTreeBuilder& progress) : text_(text), progress_(progress) {}

 protected:
  int_type underflow() override;

 private:
  void Count(std::string_view chunk);

  std::string_view text_;
  const YamlTreeBuilder& progress_;
  size_t next_ = 0;
  size_t events_seen_ = 0;
  size_t gap_bytes_ = 0;   // since the last event
  size_t gap_marks_ = 0;   // characters that can begin or end a token in a flow collection, since the last event
  size_t wide_bytes_ = 0;  // of all gaps, beyond what is common
};

}  // namespace cromt
