#include "agent/step/home_options.h"

#include <fcntl.h>
#include <stdlib.h>

#include "agent/step/repository.h"
#include "agent/step/task/yaml_value.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxHomeOptionsBytes = 64 << 10;

bool IsTrue(const Map& options, std::string_view name) {
  const Value* value = Find(options, name);
  const bool* flag = value ? std::get_if<bool>(&value->form) : nullptr;
  return flag && *flag;
}

std::string TextOf(const Map& options, std::string_view name) {
  const Value* value = Find(options, name);
  const std::string* text = value ? std::get_if<std::string>(&value->form) : nullptr;
  return text ? *text : "";
}

}  // namespace

Status AddHomeOptions(Arguments& arguments) {
  const char* home = ::getenv("HOME");
  if (!home || *home != '/') return {};
  const std::string file = std::string(home) + "/tom.yaml";
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // a link to it is as good
  if (!fd) return {};
  auto text = ReadRegularFile(fd, file, kMaxHomeOptionsBytes);
  if (!text) return tl::unexpected(std::move(text).error());
  CROMT_ASSIGN(const Map map, ParseYamlMap(std::move(*text), file));
  const Value* value = Find(map, "options");
  const Map* options = value ? std::get_if<Map>(&value->form) : nullptr;
  if (!options) return {};
  arguments.quiet |= IsTrue(*options, "quiet");
  arguments.dump_task |= IsTrue(*options, "dump_task");
  if (arguments.tags.empty()) arguments.tags = TextOf(*options, "tags");
  if (arguments.environment.empty()) arguments.environment = TextOf(*options, "env");
  if (!arguments.environment.empty()) CROMT_TRY(CheckName(file + ": env", arguments.environment));
  return {};
}

}  // namespace cromt::step
