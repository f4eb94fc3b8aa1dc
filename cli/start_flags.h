// `--action A` and `--var K=V`: what the started project does differently from the file. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "core/model.h"

namespace cromt::cli {

struct StartFlags {
  std::optional<std::string> action;
  std::vector<std::string> vars;

  void Declare(Arguments& arguments);
  // kInvalid for words that are no actions.
  Status CheckAction() const;
  // In the order given; the last value of a name counts. kInvalid naming the one that is wrong.
  Result<Variables> ReadVars() const;
};

// The duration of an option; nullopt where it was not given. kInvalid naming the option.
Result<std::optional<Duration>> ReadDuration(std::string_view option, const std::optional<std::string>& text);

// A whole number of an option, at most `most`.
Result<std::optional<uint64_t>> ReadNumber(std::string_view option, const std::optional<std::string>& text,
                                           uint64_t most);

}  // namespace cromt::cli
