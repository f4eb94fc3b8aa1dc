#include "io/diagnosis/diagnosis.h"

#include "base/masker.h"

namespace cromt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 16;
constexpr std::string_view kBeforeHost = "://";
constexpr std::string_view kBehindHost = "/?# \t\r\n\"'<>";

// "https://user:word@host/" without what is in front of the '@'.
std::string WithoutLogins(std::string_view text) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t scheme = text.find(kBeforeHost, at);
    if (scheme == text.npos) return out.append(text.substr(at));
    const size_t begin = scheme + kBeforeHost.size();
    const std::string_view host = text.substr(begin, text.find_first_of(kBehindHost, begin) - begin);
    out += text.substr(at, begin - at);
    const size_t login = host.rfind('@');
    if (login != host.npos) out += kMask;
    at = begin + (login == host.npos ? 0 : login);
  }
}

}  // namespace

std::string Hider::Hide(std::string_view text) const {
  const std::string plain = WithoutLogins(text);
  return patterns_->empty() ? plain : Masked(patterns_, plain);
}

void Hider::HideIn(Json& json) const {
  if (json.is_string()) {
    json = Hide(json.get_ref<const std::string&>());
  } else if (json.is_array()) {
    for (Json& one : json) HideIn(one);
  } else if (json.is_object()) {
    Json hidden = Json::object();
    for (auto& [key, value] : json.items()) {
      HideIn(value);
      hidden[Hide(key)] = std::move(value);
    }
    json = std::move(hidden);
  }
}

Json EventsJson(const EventRing& ring) {
  Json events = Json::array();
  for (const EventRing::Event& event : ring.Last()) {
    Json line = {{"at", FormatRfc3339(event.at)}, {"kind", event.kind}};
    if (!event.state.empty()) line["state"] = event.state;
    if (!event.of.empty()) line["of"] = event.of;
    if (event.task != 0) line["task"] = event.task;
    if (event.attempt != 0) line["attempt"] = event.attempt;
    if (!event.agent.empty()) line["agent"] = event.agent;
    if (!event.reason.empty()) line["reason"] = event.reason;
    events.push_back(std::move(line));
  }
  return {{"seen", ring.count()}, {"events", std::move(events)}};
}

Result<Json> ReadForeignJson(std::string_view text) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kDeepest; };
  Json json = Json::parse(text, shallow, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Fail(ErrorCode::kCorrupt, "it is no JSON");
  return json;
}

std::string DumpJson(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cromt
