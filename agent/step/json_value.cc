#include "agent/step/json_value.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cromt::step {
namespace {

using Json = nlohmann::ordered_json;

Value FromJson(const Json& json) {
  if (json.is_boolean()) return {json.get<bool>()};
  if (json.is_number_integer() && !json.is_number_unsigned()) return {json.get<int64_t>()};
  if (json.is_number_unsigned() && json.get<uint64_t>() <= INT64_MAX) return {json.get<int64_t>()};
  if (json.is_number()) return {json.get<double>()};
  if (json.is_string()) return {json.get<std::string>()};
  if (json.is_array()) {
    List list;
    for (const Json& item : json) list.push_back(FromJson(item));
    return {std::move(list)};
  }
  if (json.is_object()) {
    Map map;
    for (const auto& [key, item] : json.items()) map.push_back({key, FromJson(item)});
    return {std::move(map)};
  }
  return {};
}

}  // namespace

Result<Value> ParseJson(std::string_view text) {
  bool too_deep = false;
  const Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, const Json&) {
        too_deep |= depth > kMaxJsonDepth;
        return !too_deep;
      },
      false);
  if (too_deep) return Fail(ErrorCode::kInvalid, fmt::format("JSON of more than {} levels", kMaxJsonDepth));
  if (json.is_discarded()) return Fail(ErrorCode::kInvalid, "it is not JSON");
  return FromJson(json);
}

}  // namespace cromt::step
