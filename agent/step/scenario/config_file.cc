#include "agent/step/scenario/config_file.h"

#include <fmt/format.h>

#include "agent/step/scenario/interpreter.h"
#include "agent/step/scenario/parser.h"

namespace cromt::step {

Result<Map> ParseConfig(std::string_view file, std::string_view text, ScenarioHost& host) {
  CROMT_ASSIGN(ValueFile parsed, ParseValueFile(file, text));
  CROMT_ASSIGN(Value value, ValueOfFile(file, parsed, host));
  if (auto* map = std::get_if<Map>(&value.form)) return std::move(*map);
  return Fail(ErrorCode::kInvalid, fmt::format("{}: the configuration is no map", file));
}

}  // namespace cromt::step
