#include "agent/step/scenario/parser.h"

#include <fmt/format.h>

#include "agent/step/scenario/recursive_parser.h"
#include "base/name.h"

namespace cromt::step {
namespace {

Status CheckText(std::string_view file, std::string_view text) {
  auto refuse = [&](ErrorCode code, std::string_view why) { return Fail(code, fmt::format("{}: {}", file, why)); };
  if (text.size() > kMaxScenarioBytes)
    return refuse(ErrorCode::kExhausted, fmt::format("larger than {} KiB", kMaxScenarioBytes >> 10));
  if (!IsUtf8(text)) return refuse(ErrorCode::kInvalid, "not UTF-8 text");
  if (text.find('\0') != std::string_view::npos) return refuse(ErrorCode::kInvalid, "holds a NUL character");
  return {};
}

}  // namespace

Result<Scenario> ParseScenario(std::string_view file, std::string_view text) {
  CROMT_TRY(CheckText(file, text));
  return RecursiveParser(file, text).ParseUnit(std::string(file));
}

Result<ValueFile> ParseValueFile(std::string_view file, std::string_view text) {
  CROMT_TRY(CheckText(file, text));
  RecursiveParser parser(file, text);
  CROMT_ASSIGN(Expression value, parser.ParseOnlyValue());
  return ValueFile{std::move(value), parser.slots()};
}

}  // namespace cromt::step
