#include "agent/step/tags.h"

#include <algorithm>

#include "base/name.h"

namespace cromt::step {
namespace {

struct Escape {
  std::string_view written, meant;
};
constexpr Escape kEscapes[] = {{"___comma___", ","}, {"___nl___", "\n"}, {"___space___", " "}, {"___eq___", "="}};
constexpr std::string_view kVariable = ".env[";

// Where the '=' after the name is; npos for a flag.
size_t FindEqual(std::string_view pair) {
  constexpr std::string_view kBlanks = " \t\n\r\v\f";
  for (size_t begin = 0; begin < pair.size();) {
    const size_t end = std::min(pair.find_first_of(kBlanks, begin), pair.size());
    const size_t equal = pair.substr(begin, end - begin).rfind('=');
    if (equal != std::string_view::npos && equal > 0) return begin + equal;
    begin = end + 1;
  }
  return std::string_view::npos;
}

std::string Decode(std::string_view text, const auto& environment) {
  std::string value;
  while (!text.empty()) {
    const auto* escape =
        std::ranges::find_if(kEscapes, [&](const Escape& candidate) { return text.starts_with(candidate.written); });
    const size_t close = text.starts_with(kVariable) ? text.find(']') : std::string_view::npos;
    if (escape != std::end(kEscapes)) {
      value += escape->meant;
      text.remove_prefix(escape->written.size());
    } else if (close != std::string_view::npos) {
      const std::string name(text.substr(kVariable.size(), close - kVariable.size()));
      value += IsVariableName(name) ? environment(name).value_or("") : std::string(text.substr(0, close + 1));
      text.remove_prefix(close + 1);
    } else {
      value += text.front();
      text.remove_prefix(1);
    }
  }
  return value;
}

}  // namespace

Map ParseTags(std::string_view text,
              const std::function<std::optional<std::string>(const std::string& name)>& environment) {
  Map tags;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equal = FindEqual(pair);
    if (equal == std::string_view::npos) {
      Set(tags, std::string(pair), {true});
      continue;
    }
    const size_t blank = pair.find_last_of(" \t\n\r\v\f", equal);
    const size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
    Set(tags, std::string(pair.substr(begin, equal - begin)), {Decode(pair.substr(equal + 1), environment)});
  }
  return tags;
}

}  // namespace cromt::step
