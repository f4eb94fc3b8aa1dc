#include "tests/sim/why_names.h"

#include <charconv>

namespace cromt::sim {
namespace {

bool Take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// Up to the first of these, or the end.
std::string TakeWord(std::string_view& text, const char* ends) {
  std::string word(text.substr(0, text.find_first_of(ends)));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<TaskName> TakeName(std::string_view& text) {
  std::string_view rest = text;
  TaskName name;
  if (!Take(rest, "'")) return std::nullopt;
  name.project = TakeWord(rest, "'");
  if (!Take(rest, "'")) return std::nullopt;
  if (Take(rest, " on ")) name.host = TakeWord(rest, " ,:;)");
  if (Take(rest, " of run ")) name.run = TakeWord(rest, " ,:;)");
  text = rest;
  return name;
}

std::optional<Told> TakeTold(std::string_view& text) {
  std::string_view rest = text;
  Told told;
  for (bool more = true; more; more = Take(rest, ", ") && !rest.starts_with("the first to begin ")) {
    auto name = TakeName(rest);
    if (!name) return std::nullopt;
    told.names.push_back(*std::move(name));
  }
  told.count = told.names.size();
  if (Take(rest, " and ")) {
    uint64_t others = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), others);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (!Take(rest, " more")) return std::nullopt;
    told.count += others;
    Take(rest, ", ");
  }
  if (Take(rest, "the first to begin ")) {
    auto first = TakeName(rest);
    if (!first) return std::nullopt;
    told.names.push_back(*std::move(first));
  }
  if (!Take(rest, ": ")) return std::nullopt;
  text = rest;
  return told;
}

std::vector<Standing> StandingsIn(std::string_view text) {
  std::vector<Standing> all;
  while (!text.empty()) {
    auto name = TakeName(text);
    if (!name) {
      text.remove_prefix(1);
      continue;
    }
    if (!Take(text, ", which is ")) continue;
    Standing one{*std::move(name), TakeWord(text, " ,:;)"), ""};
    if (Take(text, " for ")) one.since = TakeWord(text, " ,:;)");
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace cromt::sim
