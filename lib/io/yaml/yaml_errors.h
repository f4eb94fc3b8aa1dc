// What yaml-cpp can't read, in words that say what to write instead, and with the place where the writer would look:
// an unclosed quote or bracket is shown where it begins, not at the end of the file. Used by yaml_tree.cc only.
#pragma once

#include <yaml-cpp/exceptions.h>

#include <optional>
#include <string_view>

#include "io/yaml/yaml_builder.h"

namespace cromt {

// `error` was thrown while `builder` took the events of `source`.
YamlRefusal InOurWords(const YAML::Exception& error, std::string_view source, const YamlTreeBuilder& builder);

// yaml-cpp takes the end of the file for the end of a quoted text if a line end stands before it; so this is asked when
// all events were taken. nullopt if the newest value is no quoted text, or one that is closed.
std::optional<YamlRefusal> UnclosedQuote(std::string_view source, const YamlTreeBuilder& builder);

}  // namespace cromt
