#include "core/action.h"

#include <fmt/format.h>

#include "base/name.h"

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

}  // namespace

Result<std::vector<std::string>> ParseAction(std::string_view text) {
  std::vector<std::string> words;
  for (size_t begin = text.find_first_not_of(kBlanks); begin != text.npos;
       begin = text.find_first_not_of(kBlanks, begin)) {
    size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    std::string_view word = text.substr(begin, end - begin);
    if (!IsActionName(word))
      return Fail(ErrorCode::kInvalid,
                  fmt::format("bad action name {}: it names a file below .tom or tasks, not an option or another path",
                              Quote(word)));
    words.emplace_back(word);
    begin = end;
  }
  return words;
}

}  // namespace cromt
