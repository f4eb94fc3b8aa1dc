#include "cli/run_word.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/name.h"
#include "cli/clean_text.h"
#include "core/diagnostic.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxNamed = 10;

Error Ambiguous(const std::string& word, const std::vector<TaskIndex>& matches, const RunView& run) {
  std::string list;
  for (size_t i = 0; i < matches.size() && i < kMaxNamed; ++i)
    list += fmt::format("{}{} on {}", i > 0 ? ", " : "", matches[i] + 1, Clean(run.tasks[matches[i]].host));
  if (matches.size() > kMaxNamed) list += ", …";
  return {ErrorCode::kInvalid, fmt::format("{} tasks of run {} are called {}; say which by its id: {}", matches.size(),
                                           run.header.id.text(), Quote(word), list)};
}

}  // namespace

Status CheckRunWord(const std::string& run) {
  return CheckName("run", run);
}

Result<TaskIndex> FindTask(const RunView& run, const std::string& word) {
  uint32_t id = 0;
  const char* end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data(), end, id);
  if (error == std::errc() && last == end && id >= 1 && id <= run.tasks.size()) return id - 1;
  std::vector<TaskIndex> matches;
  std::vector<std::string_view> names;
  for (TaskIndex i = 0; i < run.tasks.size(); ++i) {
    names.push_back(run.tasks[i].name);
    if (run.tasks[i].name == word) matches.push_back(i);
  }
  if (matches.size() == 1) return matches[0];
  if (!matches.empty()) return tl::unexpected<Error>(Ambiguous(word, matches, run));
  return Fail(ErrorCode::kInvalid, fmt::format("run {} has no task {}{}; its ids are 1 to {}", run.header.id.text(),
                                               Quote(word), DidYouMean(word, names), run.tasks.size()));
}

}  // namespace cromt::cli
