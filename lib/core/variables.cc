#include "core/variables.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/name.h"

namespace cromt {

Status CheckVariableName(std::string_view name) {
  if (!IsVariableName(name))
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("bad variable name {}: use letters, digits and '_', not beginning with a digit", Quote(name)));
  if (name.starts_with("CROMT_"))
    return Fail(ErrorCode::kInvalid,
                fmt::format("variable {}: names beginning with CROMT_ are set by cromt", Quote(name)));
  return {};
}

Status CheckVariableValue(std::string_view name, std::string_view value) {
  if (value.size() > kMaxVariableBytes)
    return Fail(ErrorCode::kInvalid, fmt::format("variable {} has {} bytes; at most {} are allowed", Quote(name),
                                                 value.size(), kMaxVariableBytes));
  if (value.find('\0') != value.npos)
    return Fail(ErrorCode::kInvalid, fmt::format("variable {} contains a NUL", Quote(name)));
  return {};
}

size_t SizeOf(const Variables& variables) {
  size_t bytes = 0;
  for (const auto& [name, value] : variables) bytes += name.size() + value.size();
  return bytes;
}

Variables Merge(const Variables& base, const Variables& over) {
  Variables merged = base;
  if (base.empty() || over.empty()) return merged.empty() ? over : merged;
  std::unordered_map<std::string_view, size_t> place;
  for (size_t i = 0; i < base.size(); ++i) place.emplace(base[i].first, i);
  for (const auto& variable : over) {
    if (auto found = place.find(variable.first); found != place.end())
      merged[found->second].second = variable.second;
    else
      merged.push_back(variable);
  }
  return merged;
}

}  // namespace cromt
