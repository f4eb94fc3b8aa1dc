// The defaults of a task (YAML) under the parameters of a call (JSON): an input is the two, with a line "===" between.
// Whatever they are: both are read or refused with a message that can be shown, and of what lies on top all is kept.
#include "agent/step/json_value.h"
#include "agent/step/task/yaml_value.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  using namespace cromt::step;
  const std::string_view input = Text(data, size);
  constexpr std::string_view kCut = "\n===\n";
  const size_t cut = std::min(input.find(kCut), input.size());
  auto defaults = ParseYamlMap(std::string(input.substr(0, cut)), "f");
  if (!defaults) RequireRefusal(defaults.error());
  auto value = ParseJson(input.substr(std::min(cut + kCut.size(), size)));
  if (!value) RequireRefusal(value.error());
  if (!defaults || !value) return 0;
  const Map* over = std::get_if<Map>(&value->form);
  if (!over) return 0;
  const Map merged = MergeMaps(*defaults, *over);
  for (const auto& [key, above] : *over) {
    const Value* found = Find(merged, key);
    Require(found != nullptr, "what a caller gives is there", key);
    if (!std::holds_alternative<Map>(above.form))
      Require(ShellText(*found) == ShellText(above), "what a caller gives goes over a default", key);
  }
  auto again = ParseJson(JsonText(merged));
  Require(again.has_value() && JsonText(std::get<Map>(again->form)) == JsonText(merged), "parameters survive as JSON");
  return 0;
}
