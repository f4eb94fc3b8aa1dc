// Rules for variables, wherever they come from: a file, a flag, a dialect.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

inline constexpr size_t kMaxVariableBytes = 100 * 1024;
inline constexpr size_t kMaxVariablesBytes = 1024 * 1024;

// kInvalid unless [A-Za-z_][A-Za-z0-9_]* and not CROMT_*, which is ours.
Status CheckVariableName(std::string_view name);

// kInvalid for a NUL or more than kMaxVariableBytes.
Status CheckVariableValue(std::string_view name, std::string_view value);

// Names and values together.
size_t SizeOf(const Variables& variables);

// `over` on top of `base`, key by key: the order of `base`, then what is new. Linear.
Variables Merge(const Variables& base, const Variables& over);

}  // namespace cromt
