#include "agent/container/order.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cromt {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EngineMount, source, target, read_only)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Resources, memory_bytes, cpu_permille, pids)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RegistryLogin, registry, user, password)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContainerOrder, name, labels, image, argv, env, directory, user, mounts, network,
                                   pid, ipc, read_only, privileged, no_new_privileges, capabilities, devices, limits)

namespace container {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EntryOrder, name, refusal, place, argv, env, user, mark, workspace, step, script)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VisitNote, container, place, user, mark, step)

namespace {

using Json = nlohmann::json;

template <class Read>
auto Guarded(std::string_view text, const Read& read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    return Fail(ErrorCode::kCorrupt, fmt::format("a container's order can't be read: {}", error.what()));
  }
}

}  // namespace

Result<std::string> ToJson(const Order& order) {
  Json json = {{"engine", order.engine},       {"image", order.image},
               {"pull", ToString(order.pull)}, {"container", order.container},
               {"give", order.give},           {"needs", order.needs},
               {"records", order.records},     {"grace_us", order.grace.count()}};
  if (order.login) json["login"] = *order.login;
  if (order.entry) json["entry"] = *order.entry;
  try {
    return json.dump();
  } catch (const Json::exception&) {
    return Fail(ErrorCode::kInvalid, "a variable or argument is not UTF-8, and a container engine takes no other");
  }
}

Result<Order> OrderFromJson(std::string_view text) {
  return Guarded(text, [](const Json& json) {
    Order order;
    json.at("engine").get_to(order.engine);
    json.at("image").get_to(order.image);
    order.pull = PullFrom(json.at("pull").get<std::string>()).value_or(Pull::kMissing);
    json.at("container").get_to(order.container);
    json.at("give").get_to(order.give);
    json.at("needs").get_to(order.needs);
    json.at("records").get_to(order.records);
    order.grace = Duration(json.at("grace_us").get<int64_t>());
    if (json.contains("entry")) order.entry = json.at("entry").get<EntryOrder>();
    if (json.contains("login")) order.login = json.at("login").get<RegistryLogin>();
    return order;
  });
}

std::string ToJson(const VisitNote& note) {
  return Json(note).dump();
}

Result<VisitNote> VisitNoteFromJson(std::string_view text) {
  return Guarded(text, [](const Json& json) { return json.get<VisitNote>(); });
}

std::string ToJson(const Outcome& outcome) {
  return Json{{"image_id", outcome.image_id},
              {"digest", outcome.digest},
              {"oom_killed", outcome.oom_killed},
              {"error", outcome.error},
              {"removed", outcome.removed}}
      .dump();
}

Result<Outcome> OutcomeFromJson(std::string_view text) {
  return Guarded(text, [](const Json& json) {
    return Outcome{json.at("image_id").get<std::string>(), json.at("digest").get<std::string>(),
                   json.at("oom_killed").get<bool>(), json.at("error").get<std::string>(),
                   json.at("removed").get<bool>()};
  });
}

std::string ContainerName(const std::string& agent, uint32_t slot) {
  return fmt::format("cromt-{}-{}", agent, slot);
}

}  // namespace container
}  // namespace cromt
