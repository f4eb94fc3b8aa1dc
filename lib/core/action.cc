#include "core/action.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"
#include "core/diagnostic.h"

namespace cromt {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool IsActionName(std::string_view word) {
  if (!IsTitle(word) || word.starts_with('-')) return false;
  for (size_t begin = 0; begin <= word.size();) {
    size_t end = std::min(word.find('/', begin), word.size());
    if (begin == end || word[begin] == '.') return false;
    begin = end + 1;
  }
  return true;
}

// tom's own, without effect here: there is no index to update, and what they list or edit is nobody's to see in a job.
constexpr auto kWithoutEffect =
    std::to_array<std::string_view>({"--verbose", "--color", "--no_index_update", "--list", "--cat", "--edit", "--last",
                                     "--init", "--clean", "--profile", "--env-set", "--env-list", "--env-cat"});
constexpr auto kActing = std::to_array<std::string_view>({"--env", "--tags", "--quiet", "--dump_task"});

template <class Use>
Status EachWord(std::string_view text, const Use& use) {
  for (size_t begin = text.find_first_not_of(kBlanks); begin != text.npos;
       begin = text.find_first_not_of(kBlanks, begin)) {
    const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    CROMT_TRY(use(text.substr(begin, end - begin)));
    begin = end;
  }
  return {};
}

bool Takes(std::string_view name) {
  return name == "--env" || name == "--tags";
}

}  // namespace

Result<std::vector<std::string>> ParseAction(std::string_view text) {
  std::vector<std::string> words;
  CROMT_TRY(EachWord(text, [&](std::string_view word) -> Status {
    if (!IsActionName(word))
      return Fail(ErrorCode::kInvalid,
                  fmt::format("bad action name {}: it names a file below .tom or tasks, not an option or another path",
                              Quote(word)));
    words.emplace_back(word);
    return {};
  }));
  return words;
}

bool IsActingOption(std::string_view word) {
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (std::ranges::find(kActing, name) == kActing.end() || Takes(name) != (equals != word.npos)) return false;
  return name == "--env" ? IsName(word.substr(equals + 1)) : IsShowable(word);
}

Result<std::vector<std::string>> ParseOptions(std::string_view text) {
  std::vector<std::string> words;
  CROMT_TRY(EachWord(text, [&](std::string_view word) -> Status {
    if (word == "-q") word = "--quiet";
    if (IsActingOption(word)) {
      words.emplace_back(word);
      return {};
    }
    const std::string_view name = word.substr(0, word.find('='));
    if (std::ranges::find(kWithoutEffect, name) != kWithoutEffect.end()) return {};
    if (Takes(name)) return Fail(ErrorCode::kInvalid, fmt::format("bad option {}: write {}=…", Quote(word), name));
    std::vector<std::string_view> known(kActing.begin(), kActing.end());
    known.insert(known.end(), kWithoutEffect.begin(), kWithoutEffect.end());
    return Fail(ErrorCode::kInvalid, fmt::format("{} is no option of tom{}", Quote(word), DidYouMean(name, known)));
  }));
  return words;
}

}  // namespace cromt
